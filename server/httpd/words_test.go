package httpd

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"
)

// Who asks is told what went wrong in their own language, in either form; programs read the same code.
func TestErrorsAreInTheReadersLanguage(t *testing.T) {
	server := "http://" + newFixture(t).run(t)
	ask := func(method, path, body, language, accept string) (code, message string) {
		t.Helper()
		req, err := http.NewRequest(method, server+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Language", language)
		req.Header.Set("Accept", accept)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if accept == "application/msgpack" {
			var plain bytes.Buffer
			if _, err := msgp.UnmarshalAsJSON(&plain, answer); err != nil {
				t.Fatal(err)
			}
			answer = plain.Bytes()
		}
		var said struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(answer, &said); err != nil {
			t.Fatalf("%s: %v", answer, err)
		}
		return said.Error.Code, said.Error.Message
	}
	for _, one := range []struct{ method, path, body, language, accept, code, message string }{
		{"GET", "/v1/nothing", "", "vi-VN,vi;q=0.9,en;q=0.8", "application/json", "not_found", "Không có gì ở địa chỉ này."},
		{"GET", "/v1/nothing", "", "pl", "application/msgpack", "not_found", "Pod tym adresem nic nie ma."},
		{"GET", "/v1/nothing", "", "tlh", "application/json", "not_found", "There is nothing under this address."},
		{"GET", "/v1/nothing", "", strings.Repeat("x", 5000), "application/json", "not_found", "There is nothing under this address."},
		{"PUT", "/v1/head", "", "pl", "application/json", "method_not_allowed", "Ten adres nie przyjmuje tej metody."},
		{"GET", "/v1/head", "", "vi", "application/json", "no_release", "Chưa có gì được công bố."},
		{"POST", "/v1/reports", `{"id": 1}`, "vi", "application/json", "bad_field", "Trường id có giá trị sai kiểu."},
		{"POST", "/v1/reports", `{"title": "` + strings.Repeat("x", 301) + `"}`, "pl", "application/msgpack", "bad_field", "Pole title ma najwyżej 300 bajtów."},
	} {
		code, message := ask(one.method, one.path, one.body, one.language, one.accept)
		if code != one.code || message != one.message {
			t.Errorf("%s %s for %.20s: %s, %q", one.method, one.path, one.language, code, message)
		}
	}
}
