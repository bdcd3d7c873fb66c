package subject

import (
	"strings"
	"testing"
)

type accountCase struct {
	href string
	want string // the accounts it names, separated by blanks
}

// accountCases are all platforms together, so that each one's addresses are also cases
// in which every other platform names nobody.
var accountCases = []accountCase{
	// Facebook: one account, whatever form its address takes
	{"https://www.facebook.com/An.Invented.Name", "facebook:user/aninventedname"},
	{"https://www.facebook.com/aninventedname/", "facebook:user/aninventedname"},
	{"https://m.facebook.com/an.invented.name?mibextid=abc", "facebook:user/aninventedname"},
	{"https://mbasic.facebook.com/an.invented.name/posts/1", "facebook:user/aninventedname"},
	{"https://vi-vn.facebook.com/an.invented.name/photos", "facebook:user/aninventedname"},
	{"https://web.facebook.com/an.invented.name?sk=about", "facebook:user/aninventedname"},
	{"https://facebook.com/AN.INVENTED.NAME#top", "facebook:user/aninventedname"},
	{"https://fb.com/an.invented.name", "facebook:user/aninventedname"},
	{"https://m.me/an.invented.name", "facebook:user/aninventedname"},
	{"https://www.messenger.com/t/an.invented.name", "facebook:user/aninventedname"},
	{"https://www.messenger.com/t/999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/messages/t/999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/%61n.invented.n%2561me", "facebook:user/aninventedname"},
	{"https://www.facebook.com/an.inv%E2%80%8Bented.name", "facebook:user/aninventedname"},
	{"https://www.facebook.com/profile.php?id=999999999999999", "facebook:id/999999999999999"},
	{"https://m.facebook.com/profile.php?sk=about&id=999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/An-Invented-Name-999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/%C4%90%E1%BA%A7u-t%C6%B0-999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/people/An-Invented-Name/999999999999999/", "facebook:id/999999999999999"},
	{"https://www.facebook.com/people/An-Invented-Name/999999999999999/photos", "facebook:id/999999999999999"},
	{"https://www.facebook.com/pages/An-Invented-Name/999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/pages/category/Shop/An-Invented-Name-999999999999999/", "facebook:id/999999999999999"},
	{"https://www.facebook.com/p/An-Invented-Name-999999999999999/", "facebook:id/999999999999999"},
	{"https://www.facebook.com/pg/an.invented.name/about", "facebook:user/aninventedname"},
	{"https://www.facebook.com/permalink.php?story_fbid=1&id=999999999999999", "facebook:id/999999999999999"},
	{"https://m.facebook.com/story.php?story_fbid=1&id=999999999999999", "facebook:id/999999999999999"},
	{"https://www.facebook.com/groups/999999999999998", "facebook:group/999999999999998"},
	{"https://www.facebook.com/groups/An.Invented.Group/posts/1", "facebook:group/an.invented.group"},
	{"https://m.facebook.com/groups/999999999999998/user/999999999999999/", "facebook:id/999999999999999 facebook:group/999999999999998"},
	{"https://www.facebook.com/", ""},
	{"https://www.facebook.com/login/", ""},
	{"https://www.facebook.com/Login", ""},
	{"https://www.facebook.com/watch/?v=1", ""},
	{"https://www.facebook.com/marketplace/item/999999999999999", ""},
	{"https://www.facebook.com/groups/", ""},
	{"https://www.facebook.com/groups/feed/", ""},
	{"https://www.facebook.com/profile.php", ""},
	{"https://www.facebook.com/profile.php?id=abc", ""},
	{"https://www.facebook.com/l.php?u=https%3A%2F%2Fscam.example%2F", ""},
	{"https://www.facebook.com/an%20invented%20name", ""},
	{"https://developers.facebook.com/an.invented.name", ""},
	{"https://facebook.com.scam.example/an.invented.name", ""},
	// Instagram
	{"https://www.instagram.com/An.Invented_Name/", "instagram:user/an.invented_name"},
	{"https://instagram.com/an.invented_name?igsh=abc", "instagram:user/an.invented_name"},
	{"https://www.instagram.com/an.invented_name/reel/abc/", "instagram:user/an.invented_name"},
	{"https://www.instagram.com/stories/an.invented_name/1/", "instagram:user/an.invented_name"},
	{"https://www.instagram.com/_u/an.invented_name", "instagram:user/an.invented_name"},
	{"https://www.instagram.com/p/abc/", ""},
	{"https://www.instagram.com/reel/abc/", ""},
	{"https://www.instagram.com/stories/highlights/1/", ""},
	{"https://www.instagram.com/accounts/login/", ""},
	{"https://www.instagram.com/explore/", ""},
	// Threads
	{"https://www.threads.net/@An.Invented_Name", "threads:user/an.invented_name"},
	{"https://www.threads.com/@an.invented_name/post/abc", "threads:user/an.invented_name"},
	{"https://www.threads.net/an.invented_name", ""},
	{"https://www.threads.net/search", ""},
	// TikTok
	{"https://www.tiktok.com/@An.Invented.Name", "tiktok:user/an.invented.name"},
	{"https://m.tiktok.com/@an.invented.name/video/1?lang=vi", "tiktok:user/an.invented.name"},
	{"https://www.tiktok.com/%40an.invented.name/live", "tiktok:user/an.invented.name"},
	{"https://vm.tiktok.com/ZSabcdef/", ""},
	{"https://www.tiktok.com/foryou", ""},
	{"https://www.tiktok.com/@", ""},
	// YouTube
	{"https://www.youtube.com/channel/UCaAaAaAaAaAaAaAaAaAaAaA", "youtube:channel/UCaAaAaAaAaAaAaAaAaAaAaA"},
	{"https://m.youtube.com/channel/UCaAaAaAaAaAaAaAaAaAaAaA/videos?view=0", "youtube:channel/UCaAaAaAaAaAaAaAaAaAaAaA"},
	{"https://www.youtube.com/@An-Invented.Name/shorts", "youtube:handle/an-invented.name"},
	{"https://www.youtube.com/user/AnInventedName", "youtube:user/aninventedname"},
	{"https://www.youtube.com/c/Tuy%E1%BB%81nM%E1%BB%91c", "youtube:c/tuyềnmốc"},
	{"https://www.youtube.com/c/Tuye%CC%82%CC%80nMo%CC%82%CC%81c", "youtube:c/tuyềnmốc"},
	{"https://www.youtube.com/watch?v=aaaaaaaaaaa", ""},
	{"https://youtu.be/aaaaaaaaaaa", ""},
	{"https://www.youtube.com/shorts/aaaaaaaaaaa", ""},
	{"https://www.youtube.com/channel/ucaaaaaaaaaaaaaaaaaaaaaa", ""},
	{"https://www.youtube.com/feed/subscriptions", ""},
	// X
	{"https://x.com/An_Invented_Name", "x:user/an_invented_name"},
	{"https://twitter.com/an_invented_name/status/1?s=20", "x:user/an_invented_name"},
	{"https://mobile.twitter.com/an_invented_name", "x:user/an_invented_name"},
	{"https://x.com/i/user/9999999999", "x:id/9999999999"},
	{"https://twitter.com/intent/user?screen_name=An_Invented_Name", "x:user/an_invented_name"},
	{"https://twitter.com/intent/user?user_id=9999999999", "x:id/9999999999"},
	{"https://x.com/home", ""},
	{"https://x.com/search?q=an_invented_name", ""},
	{"https://x.com/i/flow/login", ""},
	{"https://x.com/an-invented-name", ""},
	// Telegram
	{"https://t.me/An_Invented_Name", "telegram:user/an_invented_name"},
	{"https://t.me/s/an_invented_name/12", "telegram:user/an_invented_name"},
	{"https://telegram.me/an_invented_name?start=1", "telegram:user/an_invented_name"},
	{"https://an-invented-name.t.me/", ""},
	{"https://an_invented_name.t.me/", "telegram:user/an_invented_name"},
	{"https://web.telegram.org/k/#@An_Invented_Name", "telegram:user/an_invented_name"},
	{"https://t.me/+AbCdEfGhIjKlMnOp", "telegram:invite/AbCdEfGhIjKlMnOp"},
	{"https://t.me/joinchat/AbCdEfGhIjKlMnOp", "telegram:invite/AbCdEfGhIjKlMnOp"},
	{"https://t.me/+84901234567", "phone:+84901234567"},
	{"https://t.me/share/url?url=https%3A%2F%2Fscam.example%2F", ""},
	{"https://t.me/addstickers/an_invented_name", ""},
	{"https://t.me/", ""},
	// Zalo
	{"https://zalo.me/999999999999999999", "zalo:oa/999999999999999999"},
	{"https://oa.zalo.me/999999999999999999", "zalo:oa/999999999999999999"},
	{"https://zalo.me/0901234567", "phone:+84901234567"},
	{"https://zalo.me/84901234567", "phone:+84901234567"},
	{"https://chat.zalo.me/?phone=0901234567", "phone:+84901234567"},
	{"https://zalo.me/g/AbCdEf123", "zalo:group/AbCdEf123"},
	{"https://zalo.me/An.Invented.Name", "zalo:user/an.invented.name"},
	{"https://zalo.me/pc", ""},
	{"https://oa.zalo.me/home", ""},
	// nobody's
	{"https://scam.example/@an.invented.name", ""},
	{"https://scam.example/profile.php?id=999999999999999", ""},
	{"http://203.0.113.7/an.invented.name", ""},
}

func TestAccounts(t *testing.T) {
	for _, c := range accountCases {
		list, err := FromHref(nil, c.href)
		if err != nil {
			t.Errorf("%s: %v", c.href, err)
			continue
		}
		var accounts []string
		for _, s := range list {
			if s.IsAccount() {
				accounts = append(accounts, string(s))
			}
		}
		if got := strings.Join(accounts, " "); got != c.want {
			t.Errorf("%s\ngot  %q\nwant %q", c.href, got, c.want)
		}
	}
}

// A page of one platform is nobody's account on another, even under that one's path.
func TestNoPlatformAnswersForAnother(t *testing.T) {
	for _, c := range accountCases {
		var p page
		if err := p.read(c.href); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, pf := range order {
			if pf.is(p.host) {
				n++
			}
		}
		if n > 1 {
			t.Errorf("%s is of %d platforms", p.host, n)
		}
	}
}

func TestEveryPlatformIsAsked(t *testing.T) {
	if len(order) != len(platforms) {
		t.Errorf("%d platforms, %d of them asked", len(platforms), len(order))
	}
}
