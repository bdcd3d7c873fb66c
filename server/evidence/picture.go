package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"image/png"
)

// Bounds of a picture as it is sent.
const (
	MaxUpload = 2 << 20  // bytes
	MaxPixels = 16 << 20 // width times height
	maxSide   = 16_384   // of width and of height
)

var (
	// ErrTooLarge is a picture with more bytes or pixels than the bounds.
	ErrTooLarge = errors.New("the picture is too large")
	// ErrPicture is what is no picture that is taken: a baseline JPEG in grey or colours, or a PNG with 8 bits or fewer a
	// channel.
	ErrPicture = errors.New("this is no JPEG or PNG as browsers make them")
)

// quality is that of the JPEGs that are kept: letters of a screenshot stay sharp.
const quality = 88

// Clean decodes a picture and encodes its pixels anew, as a JPEG on white, so that nothing of what was sent is kept but
// what can be seen: no metadata, no bytes after the end, nothing that is a picture to one program and something else to
// another.
//
// Its size is known from its header before memory is taken for it: at most 4 bytes for each pixel of the picture, twice
// that while it is drawn on white.
func Clean(upload []byte) (clean []byte, width, height int, err error) {
	if len(upload) > MaxUpload {
		return nil, 0, 0, ErrTooLarge
	}
	c, decode, err := header(upload)
	if err != nil {
		return nil, 0, 0, err
	}
	if c.Width < 1 || c.Height < 1 {
		return nil, 0, 0, ErrPicture
	}
	if c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > MaxPixels {
		return nil, 0, 0, ErrTooLarge
	}
	picture, err := decode()
	if err != nil {
		return nil, 0, 0, fmt.Errorf("%w: %w", ErrPicture, err)
	}
	if o, ok := picture.(interface{ Opaque() bool }); !ok || !o.Opaque() {
		white := image.NewRGBA(picture.Bounds())
		draw.Draw(white, white.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(white, white.Rect, picture, picture.Bounds().Min, draw.Over)
		picture = white
	}
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality}); err != nil {
		return nil, 0, 0, fmt.Errorf("couldn't encode a picture: %w", err)
	}
	return out.Bytes(), c.Width, c.Height, nil
}

// header reads how large a picture is, without decoding it, and refuses the kinds that take more memory than their
// pixels: progressive JPEGs, four-colour ones, and PNGs of 16 bits or drawn in passes.
func header(upload []byte) (c image.Config, decode func() (image.Image, error), err error) {
	switch {
	case bytes.HasPrefix(upload, []byte("\x89PNG\r\n\x1a\n")):
		const interlace = 8 + 8 + 12 // signature, head of the chunk IHDR, its last byte (PNG section 11.2.2)
		if c, err = png.DecodeConfig(bytes.NewReader(upload)); err != nil || len(upload) <= interlace || upload[interlace] != 0 {
			return c, nil, ErrPicture
		}
		if m := c.ColorModel; m == color.Gray16Model || m == color.RGBA64Model || m == color.NRGBA64Model {
			return c, nil, ErrPicture
		}
		return c, func() (image.Image, error) { return png.Decode(bytes.NewReader(upload)) }, nil
	case bytes.HasPrefix(upload, []byte("\xff\xd8")):
		if c, err = jpeg.DecodeConfig(bytes.NewReader(upload)); err != nil || c.ColorModel == color.CMYKModel || !baseline(upload) {
			return c, nil, ErrPicture
		}
		return c, func() (image.Image, error) { return jpeg.Decode(bytes.NewReader(upload)) }, nil
	}
	return c, nil, ErrPicture
}

// baseline tells whether every frame that a JPEG could hold is baseline or extended sequential (SOF0, SOF1). The
// decoder looks at markers only, so whatever stands where a marker may stand is read here as one (T.81 section
// B.1.1.2).
func baseline(upload []byte) bool {
	for i := 0; i+1 < len(upload); i++ {
		// SOF2 is the only other frame that the decoder takes. Within coded pixels FF is always followed by 00 or by
		// a restart; in metadata FF C2 may stand by chance, and such a picture is refused too.
		if upload[i] == 0xff && upload[i+1] == 0xc2 {
			return false
		}
	}
	return true
}
