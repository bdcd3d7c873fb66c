package subject

import "testing"

func BenchmarkFeedLink(b *testing.B) {
	for _, href := range []string{
		"https://www.facebook.com/an.invented.name/posts/1", "https://www.tiktok.com/@invented1/video/1",
		"https://shop1.example/item/1?ref=feed", "https://news1.example/",
	} {
		b.Run("read "+href[8:min(24, len(href))], func(b *testing.B) {
			var n Named
			b.ReportAllocs()
			for b.Loop() {
				if err := n.Read(href); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("all "+href[8:min(24, len(href))], func(b *testing.B) {
			var n Named
			b.ReportAllocs()
			for b.Loop() {
				if err := n.Read(href); err != nil {
					b.Fatal(err)
				}
				for i := range n.Len() {
					n.Head(i)
				}
			}
		})
	}
}
