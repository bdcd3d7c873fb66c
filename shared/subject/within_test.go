package subject

import "testing"

// A link says whose page it is, or what of whose: the time of a comment leads to the post of the page below which
// it stands, and is no link to that page.
func TestWhatAnAddressIsAboutAndWhatItIsOf(t *testing.T) {
	f := func(href string, about, of string) {
		t.Helper()
		var n Named
		if err := n.Read(href); err != nil {
			t.Fatalf("%s: %v", href, err)
		}
		var gotAbout, gotOf string
		for i := range n.Len() {
			switch s := n.Subject(i); {
			case !s.IsAccount():
			case n.IsWithin(i):
				gotOf += string(s) + " "
			default:
				gotAbout += string(s) + " "
			}
		}
		if gotAbout != about || gotOf != of {
			t.Errorf("%s\nis about %q and of %q,\nwant     %q and    %q", href, gotAbout, gotOf, about, of)
		}
	}
	const user, id, group = "facebook:user/aninventedname ", "facebook:id/900000000000001 ", "facebook:group/900000000000002 "
	for _, path := range []string{"", "/", "?__cft__[0]=AZ&__tn__=-UC", "?comment_id=Y29t&__cft__[0]=AZ", "#top"} {
		f("https://www.facebook.com/an.invented.name"+path, user, "")
	}
	for _, path := range []string{"/posts/pfbid0a", "/posts/pfbid0a?comment_id=9&__tn__=R]-R", "/photos/a.1/2", "/videos/1", "/about", "/reels/", "/members/"} {
		f("https://www.facebook.com/an.invented.name"+path, "", user)
	}
	f("https://www.facebook.com/profile.php?id=900000000000001&comment_id=Y29t", id, "")
	f("https://www.facebook.com/profile.php?id=900000000000001&sk=photos", "", id)
	f("https://mbasic.facebook.com/profile.php?v=info&id=900000000000001", "", id)
	f("https://www.facebook.com/permalink.php?story_fbid=pfbid0a&id=900000000000001", "", id)
	f("https://m.facebook.com/story.php?story_fbid=1&id=900000000000001", "", id)
	f("https://www.facebook.com/people/An-Invented-Name/900000000000001/", id, "")
	f("https://www.facebook.com/stories/900000000000001/UzpfAA==/", id, "")
	f("https://www.facebook.com/groups/900000000000002/?__cft__[0]=AZ", group, "")
	f("https://www.facebook.com/groups/900000000000002/user/900000000000001/", id, group)
	f("https://www.facebook.com/groups/900000000000002/user/900000000000001/badges", "", id+group)
	for _, path := range []string{"posts/1/", "permalink/1/?comment_id=2", "members/", "?multi_permalinks=1", "?view=permalink&id=1"} {
		f("https://www.facebook.com/groups/900000000000002/"+path, "", group)
	}
	f("https://www.facebook.com/messages/e2ee/t/900000000000001/", "", "")
	f("https://www.facebook.com/messages/t/an.invented.name/", user, "")
	// Where a link leads by way of another it is about what it leads to.
	f("https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.facebook.com%2Fan.invented.name&h=AT", user, "")
	f("https://l.facebook.com/l.php?u=https%3A%2F%2Fwww.facebook.com%2Fan.invented.name%2Fposts%2F1&h=AT", "", user)

	f("https://www.instagram.com/invented.shop/", "instagram:user/invented.shop ", "")
	f("https://www.instagram.com/stories/invented.shop/31415926535/", "instagram:user/invented.shop ", "")
	f("https://www.instagram.com/invented.shop/p/Cinvented/", "", "instagram:user/invented.shop ")
	f("https://www.threads.com/@invented.lender", "threads:user/invented.lender ", "")
	f("https://www.threads.com/@invented.lender/post/DInvented", "", "threads:user/invented.lender ")
	f("https://x.com/inventedcoins", "x:user/inventedcoins ", "")
	f("https://x.com/inventedcoins/status/1900000000000000000/photo/1", "", "x:user/inventedcoins ")
	f("https://www.youtube.com/@inventedgiveaway", "youtube:handle/inventedgiveaway ", "")
	f("https://www.youtube.com/@inventedgiveaway/shorts", "", "youtube:handle/inventedgiveaway ")
	f("https://www.tiktok.com/@invented.quick.money/live", "tiktok:user/invented.quick.money ", "")
	f("https://www.tiktok.com/@invented.quick.money/video/7000000000000000000", "", "tiktok:user/invented.quick.money ")
	f("https://www.linkedin.com/in/invented-recruiter?miniProfileUrn=urn%3Ali%3Afs_miniProfile%3AACoAA", "linkedin:in/invented-recruiter ", "")
	f("https://www.linkedin.com/posts/invented-recruiter_activity-7000000000000000000-abcd", "", "linkedin:in/invented-recruiter linkedin:company/invented-recruiter ")
	// A post of a channel is by the channel; below it, and in a group, others speak.
	f("https://t.me/invented_recovery", "telegram:user/invented_recovery ", "")
	f("https://t.me/invented_recovery/12?single", "telegram:user/invented_recovery ", "")
	f("https://t.me/invented_recovery/12?comment=34", "", "telegram:user/invented_recovery ")
	f("https://t.me/invented_recovery/12?thread=3", "", "telegram:user/invented_recovery ")
	f("https://mbasic.facebook.com/comment/replies/?ctoken=1_2", "", "")
	f("tel:+84900000001", "phone:+84900000001 ", "")
}

// On a platform a page below the one that is listed is another's: the time of a comment on Instagram leads below the
// post. Elsewhere all that is below a listed page is the same host's.
func TestAPageBelowAListedOne(t *testing.T) {
	f := func(href, text string, within bool) {
		t.Helper()
		var n Named
		if err := n.Read(href); err != nil {
			t.Fatalf("%s: %v", href, err)
		}
		for i := range n.Len() {
			if string(n.Subject(i)) == text {
				if n.IsWithin(i) != within {
					t.Errorf("%s within %s: %v", href, text, !within)
				}
				return
			}
		}
		t.Errorf("%s is not %s", href, text)
	}
	f("https://www.instagram.com/p/Cinvented/", "www.instagram.com/p/Cinvented/", false)
	f("https://www.instagram.com/p/Cinvented/?img_index=1", "www.instagram.com/p/Cinvented/", false)
	f("https://www.instagram.com/p/Cinvented/c/17900000000000000/", "www.instagram.com/p/Cinvented/", true)
	f("https://parcel-fee.example/pay/now", "parcel-fee.example/", false)
	f("https://l.facebook.com/l.php?u=https%3A%2F%2Fparcel-fee.example%2Fpay", "parcel-fee.example/", false)
}
