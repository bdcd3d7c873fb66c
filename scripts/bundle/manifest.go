package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"khien/server/platform"
)

// parseOrigin is the server as an origin. Lists are signed, but reports are private:
// without encryption they go no further than this machine.
func parseOrigin(server string) (string, error) {
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return "", fmt.Errorf("--server is an origin such as https://khien.example")
	}
	ip := net.ParseIP(u.Hostname())
	loopback := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	if u.Scheme != "https" && (u.Scheme != "http" || !loopback) {
		return "", fmt.Errorf("--server speaks https; http is for a server on this machine")
	}
	return u.Scheme + "://" + u.Host, nil
}

// manifest is the base, what differs for the browser, and what follows from the server. The permissions of
// a browser come on top of the common ones.
func (b build) manifest(browser, origin string) ([]byte, error) {
	manifest := map[string]any{}
	for _, name := range []string{"base", browser} {
		text, err := os.ReadFile(filepath.Join(b.source, "manifest", name+".json"))
		if err != nil {
			return nil, err
		}
		part := map[string]any{}
		if err := json.Unmarshal(text, &part); err != nil {
			return nil, fmt.Errorf("couldn't read manifest/%s.json: %w", name, err)
		}
		common, _ := manifest["permissions"].([]any)
		maps.Copy(manifest, part)
		if more, ok := part["permissions"].([]any); ok {
			manifest["permissions"] = append(common, more...)
		}
	}
	for _, script := range manifest["content_scripts"].([]any) {
		script.(map[string]any)["matches"] = matches()
	}
	manifest["host_permissions"] = []string{hostPattern(browser, origin)}
	_, styles, err := b.styled()
	if err != nil {
		return nil, err
	}
	manifest["content_security_policy"] = map[string]string{"extension_pages": policy(styles)}
	return indented(manifest)
}

// matches are the addresses of the networks, on which the content scripts run.
func matches() (patterns []string) {
	for _, p := range platform.All() {
		for _, network := range p.Networks {
			for _, domain := range network.Domains {
				patterns = append(patterns, "*://*."+domain+"/*")
			}
		}
	}
	return patterns
}

// hostPattern is access to the server and nothing else. A match pattern of Firefox has no port.
func hostPattern(browser, origin string) string {
	u, err := url.Parse(origin)
	if err != nil {
		panic(err) // parseOrigin made it
	}
	if browser == "firefox" {
		host := u.Hostname()
		if net.ParseIP(host).To4() == nil && net.ParseIP(host) != nil {
			host = "[" + host + "]"
		}
		return u.Scheme + "://" + host + "/*"
	}
	return origin + "/*"
}

// policy is the content security policy of the extension's own pages. A person may choose a server of their own, so all
// that is encrypted can be reached, and this machine; server.ts asks none but the one that is chosen. Styles are those
// that lie in the pages, each by its digest.
func policy(styles []string) string {
	return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src " + strings.Join(styles, " ") + "; img-src 'self' data:; connect-src 'self' https: http://127.0.0.1:* http://localhost:*; " +
		"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

// indented is JSON as people read it, with the keys in order.
func indented(value any) ([]byte, error) {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(value)
	return text.Bytes(), err
}
