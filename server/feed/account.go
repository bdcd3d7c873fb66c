package feed

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"khien/shared/subject"
)

// ErrAccount is an account that no address leads to, or on a platform whose accounts are not known.
var ErrAccount = errors.New("an account that is not known by what is said of it")

// accountAt are the addresses of accounts, by what feeds call a platform: with the number or code that the platform
// gives one, and with the name that it has there. An empty one leads nowhere.
var accountAt = map[string]struct{ id, name string }{
	"facebook":       {"https://www.facebook.com/profile.php?id=", "https://www.facebook.com/"},
	"facebook-group": {"https://www.facebook.com/groups/", "https://www.facebook.com/groups/"},
	"facebook-page":  {"https://www.facebook.com/", "https://www.facebook.com/"},
	"telegram":       {"", "https://t.me/"},
	"x":              {"https://x.com/i/user/", "https://x.com/"},
	"instagram":      {"", "https://www.instagram.com/"},
	"threads":        {"", "https://www.threads.com/@"},
	"tiktok":         {"https://www.tiktok.com/share/user/", "https://www.tiktok.com/@"},
	"youtube":        {"https://www.youtube.com/channel/", "https://www.youtube.com/@"},
	"zalo":           {"https://zalo.me/", "https://zalo.me/"},
	"whatsapp":       {"https://wa.me/", ""},
	"line":           {"", "https://line.me/ti/p/~"},
	"viber":          {"", "https://chats.viber.com/"},
	"linkedin":       {"", "https://www.linkedin.com/in/"},
	"reddit":         {"", "https://www.reddit.com/user/"},
	"pinterest":      {"", "https://www.pinterest.com/"},
	"snapchat":       {"", "https://www.snapchat.com/add/"},
	"twitch":         {"", "https://www.twitch.tv/"},
	"bluesky":        {"https://bsky.app/profile/", "https://bsky.app/profile/"},
	"mastodon":       {"", "https://mastodon.social/@"},
	"shopee":         {"https://shopee.vn/shop/", "https://shopee.vn/"},
	"lazada":         {"", "https://www.lazada.vn/shop/"},
	"tiki":           {"", "https://tiki.vn/cua-hang/"},
	"chotot":         {"", "https://www.chotot.com/user/"},
}

// platformOf is a key of accountAt, by what a feed calls the platform: facebook-account, Twitter.
func platformOf(name string) string {
	name = fold(name)
	for _, kind := range []string{"-account", "-channel", "-user", " account"} {
		name = strings.TrimSuffix(name, kind)
	}
	switch name {
	case "twitter", "x.com":
		return "x"
	case "fb", "facebook.com":
		return "facebook"
	case "google-youtube":
		return "youtube"
	}
	return name
}

// account is an account by what a feed says of it: the platform, the number or code that it has there, and its name.
// What tells it for sure counts first.
func account(platform, id, name string) (subject.Subject, error) {
	at, known := accountAt[platformOf(platform)]
	if !known {
		return "", fmt.Errorf("%w: on %s", ErrAccount, cut(plain(platform), 40))
	}
	for _, way := range [][2]string{{at.id, id}, {at.name, name}} {
		to := strings.TrimPrefix(strings.TrimSpace(way[1]), "@")
		if way[0] == "" || to == "" || len(to) > maxName || strings.ContainsAny(to, "/\\?#%&") {
			continue
		}
		s, err := subject.Exact(asWritten(way[0] + url.PathEscape(to)))
		if err == nil && s.IsAccount() && s.IsListable() {
			return s, nil
		}
	}
	return "", fmt.Errorf("%w: on %s", ErrAccount, cut(plain(platform), 40))
}

const maxName = 256

// asWritten is an address as a browser writes it, or as it is where no browser takes it.
func asWritten(address string) string {
	if href, err := Href(address); err == nil {
		return href
	}
	return address
}
