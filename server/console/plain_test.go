package console

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"khien/server/staff"
)

// Where no page can be made, what went wrong is told in the language of the reader all the same: the chosen one, else
// that of the browser.
func TestPlainErrorsAreInTheReadersLanguage(t *testing.T) {
	o := newOffice(t)
	o.mux.HandleFunc("GET /panics", func(w http.ResponseWriter, r *http.Request) {
		o.answer(w, r, everybody, func(*visit) error { panic("a mistake") })
	})
	session := o.person("mai", staff.Approver)
	for _, one := range []struct {
		method, path, host string
		headers            []string
		status             int
		vi, en             string
	}{
		{"GET", "/static/nothing.css", "", nil, 404, "Không có gì ở đây", "There is nothing here"},
		{"GET", "/panics", "", nil, 500, "Máy chủ gặp lỗi", "The server made a mistake"},
		{"POST", "/signout", "elsewhere.example", nil, 421, "Bảng điều khiển ở " + origin, "The console is at " + origin},
		{"POST", "/signout", "", []string{"Sec-Fetch-Site", "cross-site"}, 403, "Yêu cầu này do một trang khác gửi", "This was sent by another site"},
	} {
		for name, asks := range map[string]struct{ language, cookie, want string }{
			"a Vietnamese browser": {"vi-VN,vi;q=0.9", "", one.vi},
			"another browser":      {"de", "", one.en},
			"who has chosen":       {"en", lookCookie + "lang=vi", one.vi},
		} {
			r := httptest.NewRequest(one.method, origin+one.path, nil)
			if one.host != "" {
				r.Host = one.host
			}
			r.Header.Set("Accept-Language", asks.language)
			r.Header.Set("Cookie", session+"; "+asks.cookie)
			for i := 0; i < len(one.headers); i += 2 {
				r.Header.Set(one.headers[i], one.headers[i+1])
			}
			w := httptest.NewRecorder()
			o.ServeHTTP(w, r)
			if body := w.Body.String(); w.Code != one.status || !strings.HasPrefix(body, asks.want) {
				t.Errorf("%s %s, %s: %d %s", one.method, one.path, name, w.Code, body)
			}
		}
	}
	r, w := httptest.NewRequest("GET", origin+"/", nil), httptest.NewRecorder()
	r.Header.Set("Accept-Language", "vi")
	o.sessions.ErrorFunc(w, r, errors.New("the store is full"))
	if !strings.HasPrefix(w.Body.String(), "Máy chủ gặp lỗi") {
		t.Errorf("a session that can't be kept: %s", w.Body)
	}
}
