package main

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"khien/shared/wire"
)

// listAShop lists what people object to.
func listAShop(l *load, _ *served) error {
	list := filepath.Join(l.folder, "shop.txt")
	if err := os.WriteFile(list, []byte("https://listed-shop.example/\n"), 0o600); err != nil {
		return err
	}
	for _, args := range [][]string{{"import", "urls", list}, {"publish", "--alone", "--why", "objections are to come against it"}} {
		if out, err := exec.Command(l.program, append(args, "--data", l.folder)...).CombinedOutput(); err != nil {
			return fmt.Errorf("khien %s: %w: %s", args[0], err, out)
		}
	}
	return nil
}

var hidden = regexp.MustCompile(`name="(id|ticket)" value="([^"]*)"`)

// object sends the form of an objection, and returns the status, for how long it is to wait, and the page.
func (p *person) object(id, ticket string) (status int, wait time.Duration, page []byte) {
	form := url.Values{"id": {id}, "ticket": {ticket}, "about": {"https://listed-shop.example/"}, "note": {"It is mine."}}
	status, _ = p.post("/appeal", "application/x-www-form-urlencoded", "", "", []byte(form.Encode()), &page)
	if m := regexp.MustCompile(`please wait (\d+) seconds`).FindSubmatch(page); m != nil {
		seconds, _ := strconv.Atoi(string(m[1]))
		wait = time.Duration(seconds) * time.Second
	}
	return status, wait, page
}

// fillIn opens the form without script and sends it at once, as somebody who has their words ready, and again whenever
// the page says.
func (p *person) fillIn() error {
	req, resp := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
	defer fasthttp.ReleaseRequest(req)
	defer fasthttp.ReleaseResponse(resp)
	req.SetRequestURI(strings.TrimSuffix(p.url, "/v1/reports") + "/appeal")
	req.Header.Set("X-Client", p.addr)
	if err := p.client.Do(req, resp); err != nil {
		return err
	}
	page := bytes.Clone(resp.Body())
	for range 3 {
		field := map[string]string{}
		for _, m := range hidden.FindAllSubmatch(page, -1) {
			field[string(m[1])] = string(m[2])
		}
		var status int
		var wait time.Duration
		if status, wait, page = p.object(field["id"], field["ticket"]); status == fasthttp.StatusOK {
			return nil
		}
		if wait == 0 {
			return fmt.Errorf("the form was answered with %d", status)
		}
		time.Sleep(wait + time.Second)
	}
	return errors.New("refused three times")
}

// receiptsFor sends the reports whose receipts the flood has.
func receiptsFor(_ *load, s *served) error {
	var all []string
	for range 400 {
		receipt, err := newPerson(s).reported()
		if err != nil {
			return err
		}
		all = append(all, receipt)
	}
	s.receipts = all
	return nil
}

// reported sends a report and returns its receipt.
func (p *person) reported() (string, error) {
	var body []byte
	p.post("/v1/reports", "application/msgpack", "", "", p.body, &body)
	var receipt wire.Receipt
	_, err := receipt.UnmarshalMsg(body)
	return receipt.Receipt, err
}

// picture is one of noise, so that no two are the same.
func picture() []byte {
	m := image.NewGray(image.Rect(0, 0, 320, 240))
	for range 500 {
		m.SetGray(rand.IntN(320), rand.IntN(240), color.Gray{byte(rand.Uint32())})
	}
	var b bytes.Buffer
	jpeg.Encode(&b, m, nil)
	return b.Bytes()
}

func (p *person) upload(receipt, proof string) (status int, challenge string) {
	return p.post("/v1/pictures", "image/jpeg", receipt, proof, picture(), nil)
}

// illustrate reports, asks whether a picture would be taken, does the work that is asked for, and sends it; what is too
// much at this moment it tries again.
func (p *person) illustrate() error {
	receipt, err := p.reported()
	if err != nil {
		return err
	}
	id, err := hex.DecodeString(receipt)
	if err != nil {
		return err
	}
	for range 5 {
		status, challenge := p.post("/v1/pictures", "image/jpeg", receipt, "", nil, nil)
		proof := ""
		if status == fasthttp.StatusTooManyRequests {
			if proof, err = proofOf(challenge, id); err != nil {
				return err
			}
		}
		if status, _ = p.upload(receipt, proof); status == fasthttp.StatusCreated {
			return nil
		}
		time.Sleep(time.Second)
	}
	return errors.New("refused five times")
}
