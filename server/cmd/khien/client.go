package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"khien/server/blob"
	"khien/shared/release"
	"khien/shared/wire"
)

const maxBucket = wire.MaxBucket

// getter fetches a published path of at most limit bytes.
type getter func(path string, limit int64) ([]byte, error)

// releaseBytes is a release as bytes, not verified yet.
type releaseBytes struct{ head, keys, set, supplement []byte }

// fetchRelease follows the head to what it names.
func fetchRelease(get getter) (releaseBytes, error) {
	var p releaseBytes
	var err error
	if p.head, err = get(release.HeadPath, release.MaxHead); err != nil {
		return p, err
	}
	head, err := release.ReadHead(p.head)
	if err != nil {
		return p, fmt.Errorf("couldn't read the head: %w", err)
	}
	if p.keys, err = get(release.BlobPath(head.Keys), release.MaxKeys); err != nil {
		return p, err
	}
	if p.supplement, err = get(release.BlobPath(head.Supplement), release.MaxSupplement); err != nil {
		return p, err
	}
	p.set, err = get(release.BlobPath(head.Set), release.MaxSet)
	return p, err
}

// client fetches published paths from a server.
type client struct {
	ctx  context.Context
	base string
	http *http.Client
}

func newClient(ctx context.Context, server string) (*client, error) {
	if !strings.Contains(server, "://") {
		server = "http://" + server
	}
	u, err := url.Parse(server)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, usagef("--server is an address such as http://127.0.0.1:8787")
	}
	return &client{ctx, strings.TrimSuffix(server, "/"), &http.Client{Timeout: time.Minute}}, nil
}

func (c *client) get(path string, limit int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(c.ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		var failed *url.Error
		if errors.As(err, &failed) {
			err = failed.Err
		}
		return nil, fmt.Errorf("couldn't reach %s: %w", c.base, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %d to %s", c.base, resp.StatusCode, path)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, fmt.Errorf("couldn't fetch %s: %w", path, err)
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("couldn't fetch %s: %w", path, release.ErrOversized)
	}
	return body, nil
}

// serverRoot is the root key to trust a server by: given, in a file, or the data directory's own.
func serverRoot(d *dir, root string) (string, error) {
	if root == "" {
		key, err := d.rootKey()
		if err != nil {
			return "", fmt.Errorf("give the server's root key with --root KEY or --root FILE (%w)", err)
		}
		return key, nil
	}
	if text, err := blob.ReadPlain(root, maxKeyFile); err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if strings.Count(root, "+") < 2 {
		return "", fmt.Errorf("%q is neither a root key nor a file that can be read", root)
	}
	return root, nil
}
