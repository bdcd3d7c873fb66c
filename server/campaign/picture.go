package campaign

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	_ "image/png" // decodes

	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp" // decodes

	"khien/shared/supplement"
)

// ErrPicture is a picture that can't be used.
var ErrPicture = errors.New("the picture can't be used")

// Bounds on a picture as it comes: bytes, and pixels of both sides together.
const (
	MaxUpload = 8 << 20
	maxPixels = 24 << 20
)

// A card shows it this large at most, on a display of two pixels to one.
const maxWidth, maxHeight = 640, 360

// Picture makes a small JPEG of a PNG, a JPEG or a WebP: of what the file held nothing but the picture is left, and it
// has at most supplement.MaxPicture bytes. The error is ErrPicture.
func Picture(file []byte) ([]byte, error) {
	if len(file) > MaxUpload {
		return nil, fmt.Errorf("%w: it has more than %d MB", ErrPicture, MaxUpload>>20)
	}
	size, form, err := image.DecodeConfig(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: it is neither PNG nor JPEG nor WebP", ErrPicture)
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxPixels/size.Height {
		return nil, fmt.Errorf("%w: it has %d × %d pixels; %d million are allowed", ErrPicture, size.Width, size.Height, maxPixels>>20)
	}
	source, _, err := image.Decode(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: the %s is damaged", ErrPicture, form)
	}
	width, height := source.Bounds().Dx(), source.Bounds().Dy()
	for scale := 1.0; ; scale *= 0.8 {
		fit := min(1, float64(maxWidth)/float64(width), float64(maxHeight)/float64(height)) * scale
		w, h := max(1, int(float64(width)*fit)), max(1, int(float64(height)*fit))
		small := image.NewRGBA(image.Rect(0, 0, w, h))
		draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src) // behind what is transparent
		draw.CatmullRom.Scale(small, small.Bounds(), source, source.Bounds(), draw.Over, nil)
		for _, quality := range []int{85, 75, 60, 45} {
			var out bytes.Buffer
			if err := jpeg.Encode(&out, small, &jpeg.Options{Quality: quality}); err != nil {
				return nil, fmt.Errorf("%w: %w", ErrPicture, err)
			}
			if out.Len() <= supplement.MaxPicture {
				return out.Bytes(), nil
			}
		}
	}
}
