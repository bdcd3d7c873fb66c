package publish

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"khien/server/blob"
	"khien/server/campaign"
	"khien/server/db"
	"khien/server/db/dbtest"
	"khien/server/feed"
	"khien/server/ledger"
	"khien/shared/category"
	"khien/shared/checker"
	"khien/shared/release"
	"khien/shared/set"
	"khien/shared/subject"
)

// office is the database of a folder.
func office(t testing.TB, dir string) *db.DB {
	t.Helper()
	base, err := db.Open(dbtest.In(t, dir, "office.db"), ledger.Tables, campaign.Tables)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { base.Close() })
	return base
}

func open(t testing.TB, dir string) *Publisher {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	blobs, err := blob.Open(filepath.Join(dir, "published"))
	must(err)
	keys, err := LoadKeys(filepath.Join(dir, "keys"))
	must(err)
	return &Publisher{Ledger: ledger.Open(office(t, dir)), Blobs: blobs, Keys: keys}
}

func newPublisher(t testing.TB) *Publisher {
	t.Helper()
	dir := t.TempDir()
	if err := InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	return open(t, dir)
}

func (p *Publisher) list(t testing.TB, subjects ...string) {
	t.Helper()
	var list []ledger.Indicator
	for _, s := range subjects {
		list = append(list, ledger.Indicator{Subject: subject.Subject(s), Category: category.Shop, FirstSeen: 1763900000})
	}
	if _, _, err := p.Ledger.Import(context.Background(), "test", list); err != nil {
		t.Fatal(err)
	}
}

func (p *Publisher) mustPublish(t testing.TB, now int64) Result {
	t.Helper()
	r, err := p.Publish(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// client opens what is published, as a new client would.
func (p *Publisher) client(t testing.TB, now int64) *checker.Checker {
	t.Helper()
	head, err := p.Blobs.Head()
	if err != nil {
		t.Fatal(err)
	}
	h, err := release.ReadHead(head)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := p.Blobs.Get("blob/"+h.Keys.String(), release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	body, err := p.Blobs.Get("blob/"+h.Set.String(), release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	supplement, err := p.Blobs.Get("blob/"+h.Supplement.String(), release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	c, err := checker.Open(p.Keys.Root, keys, head, body, release.DigestOf(body), supplement, now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestFromTheLedgerToAClient(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	p.list(t, "scam.example/", "tiktok:user/an.invented.name")
	r := p.mustPublish(t, now)
	if !r.Published || r.Sequence != 1 || r.Count != 2 || r.Added != 2 {
		t.Errorf("first: %+v", r)
	}
	c := p.client(t, now)
	found := c.Check("https://pay.scam.example/", now)
	if found.Verdict != checker.Listed || found.Category != category.Shop {
		t.Errorf("%+v", found)
	}
	h := c.Head()
	prefix := release.BucketName(h.BucketBits, release.BucketIndex(h.BucketBits, found.Subject.Digest()))
	bucket, err := Bucket(p.Blobs, h, prefix)
	if err != nil {
		t.Fatal(err)
	}
	if f, err := c.Resolve(found.Subject, bucket, now); err != nil || !f.Confirmed || f.FirstSeen != 1763900000 || f.Reference == "" {
		t.Errorf("%+v, %v", f, err)
	}
	for _, no := range []string{"", "zz", "00", "1", "-1", "ffffffffff"} {
		if _, err := Bucket(p.Blobs, h, no); !errors.Is(err, blob.ErrNotFound) {
			t.Errorf("bucket %q: %v", no, err)
		}
	}

	// Nothing changed: nothing is published.
	if r := p.mustPublish(t, now+60); r.Published || r.Sequence != 1 {
		t.Errorf("nothing changed: %+v", r)
	}
	// Something was withdrawn and something new came: one delta leads there.
	p.list(t, "new.example/")
	if err := p.Ledger.Withdraw(context.Background(), "test", "scam.example/", map[string]string{"en": "mended"}); err != nil {
		t.Fatal(err)
	}
	if r := p.mustPublish(t, now+120); !r.Published || r.Added != 1 || r.Removed != 1 {
		t.Errorf("second: %+v", r)
	}
	head, _ := p.Blobs.Head()
	step, err := c.Plan(head, nil, now+120)
	if err != nil || step.Need != checker.NeedDelta {
		t.Fatalf("%+v, %v", step, err)
	}
	delta, err := p.Blobs.Get(step.Path[len("/v1/"):], release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Apply(head, nil, step.Need, delta, now+120); err != nil {
		t.Error(err)
	}
	if next := p.follow(t, c, now+120); next.Check("https://new.example/", now).Verdict != checker.Listed || next.Check("https://scam.example/", now).Verdict != checker.Unlisted {
		t.Error("after the delta another set is in use")
	}
}

// A head lives for a week. It is renewed when half of that is over, also if nothing changed.
func TestAHeadIsRenewed(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	p.list(t, "scam.example/")
	p.mustPublish(t, now)
	half := int64(headLife.Seconds()) / 2
	if r := p.mustPublish(t, now+half-10); r.Published {
		t.Error("renewed too early")
	}
	if r := p.mustPublish(t, now+half); !r.Published || r.Sequence != 2 {
		t.Errorf("not renewed: %+v", r)
	}
	if err := p.client(t, now+half).Head().Follows(release.Head{Sequence: 1}); err != nil {
		t.Error(err)
	}
}

// The ledger holds what was listed before a name became protected. It is not published, and that is said.
func TestProtectedNamesAreNotPublished(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	p.list(t, "scam.example/", "www.facebook.com/", "bocongan.gov.vn/")
	r := p.mustPublish(t, now)
	if r.Count != 1 || len(r.Refused) != 2 {
		t.Errorf("%+v", r)
	}
	if f := p.client(t, now).Check("https://www.facebook.com/", now); f.Verdict != checker.Unlisted {
		t.Errorf("%+v", f)
	}
}

func TestTheSameLedgerMakesTheSameBytes(t *testing.T) {
	a, b := newPublisher(t), newPublisher(t)
	now := time.Now().Unix()
	var subjects []string
	for i := range 500 {
		subjects = append(subjects, fmt.Sprintf("scam%d.example/", i))
	}
	a.list(t, subjects...)
	slices.Reverse(subjects)
	b.list(t, subjects...)
	a.mustPublish(t, now)
	b.mustPublish(t, now)
	if x, y := a.client(t, now).Head(), b.client(t, now).Head(); x.Set != y.Set {
		t.Errorf("sets %s and %s", x.Set, y.Set)
	}
}

// follow brings a client to the newest release by the one delta that it is told to take.
func (p *Publisher) follow(t testing.TB, c *checker.Checker, now int64) *checker.Checker {
	t.Helper()
	head, err := p.Blobs.Head()
	if err != nil {
		t.Fatal(err)
	}
	step, err := c.Plan(head, nil, now)
	if err != nil || step.Need != checker.NeedDelta {
		t.Fatalf("from release %d: %+v, %v", c.Head().Sequence, step, err)
	}
	delta, err := p.Blobs.Get(step.Path[len("/v1/"):], release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	body, err := c.Apply(head, nil, step.Need, delta, now)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := p.Blobs.Get("blob/"+c.Head().Keys.String(), release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	supplement, err := p.Blobs.Get("blob/"+step.Supplement.String(), release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	next, err := checker.Open(p.Keys.Root, keys, head, body, release.DigestOf(body), supplement, now)
	if err != nil {
		t.Fatalf("from release %d: %v", c.Head().Sequence, err)
	}
	return next
}

// Two months, a release every twelve hours: additions, withdrawals, lapses, other kinds,
// returns. Whoever was there within the last thirty days gets along with one delta.
func TestOneHopFromThirtyDaysBehind(t *testing.T) {
	dbtest.Long(t)
	if testing.Short() {
		t.Skip("two months of releases, one after the other, take long with the race detector, which has nothing to see in them")
	}
	p := newPublisher(t)
	ctx := context.Background()
	now := time.Now().Unix() // what is withdrawn carries the clock's time, but that is not looked at
	r := rand.New(rand.NewPCG(1, 1))
	var clients []*checker.Checker
	listed := 0
	for n := range 120 {
		for range 20 {
			p.list(t, fmt.Sprintf("scam%d.example/", listed))
			listed++
		}
		for range 6 {
			s := subject.Subject(fmt.Sprintf("scam%d.example/", r.IntN(listed)))
			switch err := p.Ledger.Withdraw(ctx, "test", s, map[string]string{"en": "mended"}); {
			case err == nil:
			case errors.Is(err, ledger.ErrNotFound): // it comes back, as another kind
				if err := p.Ledger.List(ctx, "test", ledger.Indicator{Subject: s, Category: category.Prize}); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatal(err)
			}
		}
		if n%10 == 0 { // a renewal: nothing changes
			p.mustPublish(t, now)
			now += int64(headLife.Seconds()) / 2
		}
		p.mustPublish(t, now)
		clients = append(clients, p.client(t, now))
		now += 12 * 60 * 60
	}
	now -= 12 * 60 * 60
	newest := p.client(t, now).Head()
	within, older := 0, 0
	for _, c := range clients[:len(clients)-1] {
		h := c.Head()
		if h.Issued < now-int64(reach.Seconds()) {
			if older++; h.Sequence >= newest.Deltas {
				p.follow(t, c, now)
			}
			continue
		}
		within++
		if next := p.follow(t, c, now).Head(); next.Set != newest.Set {
			t.Errorf("release %d leads elsewhere", h.Sequence)
		}
	}
	steps, _ := p.Blobs.Names("history")
	deltas, _ := p.Blobs.Names("delta")
	if within < 30 || older < 30 || len(steps) > 2*within || len(deltas) > 4*within {
		t.Errorf("%d releases within reach, %d older; %d steps and %d deltas are kept", within, older, len(steps), len(deltas))
	}
}

// A damaged history costs bandwidth and nothing else.
func TestADamagedHistory(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	for i := range 5 {
		p.list(t, fmt.Sprintf("scam%d.example/", i))
		p.mustPublish(t, now)
	}
	if err := p.Blobs.Delete(stepName(4)); err != nil {
		t.Fatal(err)
	}
	if err := p.Blobs.Put(stepName(4), []byte("no step")); err != nil {
		t.Fatal(err)
	}
	p.list(t, "new.example/")
	p.mustPublish(t, now)
	if h := p.client(t, now).Head(); h.Sequence != 6 || h.Deltas != 4 {
		t.Errorf("release %d has deltas from %d on, want 6 and 4", h.Sequence, h.Deltas)
	}
}

func FuzzStep(f *testing.F) {
	f.Add((&step{7, []set.Long{{Class: 3}}, []change{{1 << 39, 1, absent}, {1<<40 - 1, absent, 2}}}).encode())
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := decodeStep(data)
		if err == nil && !bytes.Equal(s.encode(), data) {
			t.Fatal("a step that is written otherwise than it was read")
		}
	})
}

// An indicator that shares its first 40 bits with a popular page gets a longer prefix.
func TestNoChanceHitOnAPopularPage(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	p.list(t, "scam.example/", "other.example/")
	d := subject.Subject("scam.example/").Digest()
	popular, err := set.Build([]set.Entry{{Prefix: set.Prefix(d)}}, nil) // as if of a popular page
	if err != nil {
		t.Fatal(err)
	}
	s, err := set.Open(popular)
	if err != nil {
		t.Fatal(err)
	}
	plain := p.mustPublish(t, now)
	before := p.client(t, now)
	p.Popular = func() *set.Set { return &s }
	r := p.mustPublish(t, now)
	if !r.Published || r.Count != plain.Count {
		t.Errorf("%+v", r)
	}
	c := p.follow(t, before, now)
	if f := c.Check("https://scam.example/", now); f.Verdict != checker.Listed {
		t.Errorf("the indicator itself: %v", f.Verdict)
	}
	body, err := p.Blobs.Get("blob/"+c.Head().Set.String(), release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = set.Open(body); err != nil {
		t.Fatal(err)
	}
	d[9] ^= 1 // the popular page, whose digest only begins like that
	if _, hit := s.Lookup(d); hit {
		t.Error("the popular page is hit")
	}
	if long := slices.Collect(s.Longs()); len(long) != 1 {
		t.Errorf("%d long entries", len(long))
	}
}

func TestOldReleasesArePruned(t *testing.T) {
	p := newPublisher(t)
	now := time.Now().Unix()
	for i := range 20 {
		p.list(t, fmt.Sprintf("scam%d.example/", i))
		p.mustPublish(t, now)
		now += int64(bucketLife.Seconds()) / 4
	}
	packs, _ := p.Blobs.Names("buckets")
	sets, _ := p.Blobs.Names("blob")
	deltas, _ := p.Blobs.Names("delta")
	if len(packs) > 6 || len(sets) > setsKept+4 || len(deltas) > 2*20 {
		t.Errorf("%d packs, %d blobs, %d deltas are kept", len(packs), len(sets), len(deltas))
	}
}

func TestKeysAreRotated(t *testing.T) {
	dir := t.TempDir()
	now := time.Now().Unix()
	folder, root := filepath.Join(dir, "keys"), filepath.Join(dir, "elsewhere.key")
	if err := InitKeys(folder, root, now); err != nil {
		t.Fatal(err)
	}
	if err := InitKeys(folder, root, now); err == nil {
		t.Error("the keys were overwritten")
	}
	p := open(t, dir)
	p.list(t, "scam.example/")
	p.mustPublish(t, now)
	c := p.client(t, now)
	if err := Rotate(folder, root, now); err != nil {
		t.Fatal(err)
	}
	p = open(t, dir)
	if r := p.mustPublish(t, now); !r.Published {
		t.Error("a new key was not put into use")
	}
	head, _ := p.Blobs.Head()
	step, err := c.Plan(head, nil, now)
	if err != nil || step.Need != checker.NeedKeys {
		t.Fatalf("%+v, %v", step, err)
	}
	keys, err := p.Blobs.Get(step.Path[len("/v1/"):], release.MaxSet)
	if err != nil {
		t.Fatal(err)
	}
	if step, err = c.Plan(head, keys, now); err != nil || step.Need != checker.NeedDelta {
		t.Errorf("%+v, %v", step, err)
	}
	for _, secret := range []string{root, filepath.Join(folder, "release-1.key"), filepath.Join(folder, "release-2.key")} {
		if info, err := os.Stat(secret); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", secret, info.Mode(), err)
		}
	}
}

// A set that warns about a well-known page is not published, however it came about.
func TestTheLastCheckBeforePublishing(t *testing.T) {
	d := subject.Subject("www.facebook.com/").Digest()
	body, err := set.Build([]set.Entry{{Prefix: set.Prefix(d)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := set.Open(body)
	if err != nil {
		t.Fatal(err)
	}
	if href := protected().warnsAbout(&s, nil, nil); href == "" {
		t.Error("the set was let through")
	}
}

// killed is set in the child process of TestKilledWhilePublishing.
const killed = "KHIEN_TEST_PUBLISH_FOREVER"

func TestMain(m *testing.M) {
	if dir, at := os.Getenv(killed), os.Getenv(killedAt); at != "" {
		publishAndDie(dir, at)
	} else if dir != "" {
		publishForever(dir)
	}
	dbtest.Main(m)
}

func publishForever(dir string) {
	var t fatal
	p := open(t, dir)
	for i := 0; ; i++ {
		p.list(t, fmt.Sprintf("scam%d-%d.example/", os.Getpid(), i))
		p.mustPublish(t, time.Now().Unix())
	}
}

// fatal is a testing.TB for a process without a test.
type fatal struct{ testing.TB }

func (fatal) Name() string   { return "" }
func (fatal) Helper()        {}
func (fatal) Cleanup(func()) {}
func (fatal) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

// The publisher's process is killed at random moments. Whenever it was, what is served is
// one whole release, never older than the one before, and the next publishing works.
func TestKilledWhilePublishing(t *testing.T) {
	dir := t.TempDir()
	if err := InitKeys(filepath.Join(dir, "keys"), filepath.Join(dir, "root.key"), time.Now().Unix()); err != nil {
		t.Fatal(err)
	}
	p := open(t, dir)
	p.list(t, "scam.example/")
	p.mustPublish(t, time.Now().Unix())
	last := uint64(1)
	for range 20 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), killed+"="+dir)
		var words bytes.Buffer
		child.Stderr = &words
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+rand.IntN(80)) * time.Millisecond)
		child.Process.Kill()
		child.Wait()
		if words.Len() > 0 {
			t.Fatalf("the publisher failed by itself: %s", words.String())
		}
		now := time.Now().Unix()
		c := p.client(t, now)
		if c.Head().Sequence < last {
			t.Fatalf("release %d was served, then %d", last, c.Head().Sequence)
		}
		last = c.Head().Sequence
		for i := range uint32(1) << c.Head().BucketBits {
			if _, err := Bucket(p.Blobs, c.Head(), release.BucketName(c.Head().BucketBits, i)); err != nil {
				t.Fatalf("bucket %d of release %d: %v", i, last, err)
			}
		}
	}
	p.list(t, "after.example/")
	if r := p.mustPublish(t, time.Now().Unix()); !r.Published || r.Sequence <= last {
		t.Errorf("after %d: %+v", last, r)
	}
}

func TestARealListIsPublished(t *testing.T) {
	dbtest.Long(t)
	file, err := os.Open("../../../shared/data/vn-scam-hosts.txt")
	if err != nil {
		t.Skip("the list is not here")
	}
	defer file.Close()
	list, err := feed.Read("urls", file, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newPublisher(t)
	var indicators []ledger.Indicator
	for _, i := range list.Items {
		if !isWholly(i.Subject, freeSpace) {
			indicators = append(indicators, i.Indicator)
		}
	}
	if _, _, err := p.Ledger.Import(context.Background(), "test", indicators); err != nil {
		t.Fatal(err)
	}
	now := time.Now().Unix()
	if r := p.mustPublish(t, now); len(r.Refused) > 0 || r.Count != len(indicators) {
		t.Errorf("%d of %d, refused %v", r.Count, len(indicators), r.Refused)
	}
	c := p.client(t, now)
	for _, i := range indicators {
		if f := c.CheckSubject(i.Subject, now); f.Verdict != checker.Listed {
			t.Errorf("%s: %v", i.Subject, f.Verdict)
		}
	}
	for href := range protected().wellKnown {
		if f := c.Check(href, now); f.Verdict == checker.Listed {
			t.Errorf("%s: listed by %s", href, f.Subject)
		}
	}
}

// steps are what a publishing has done when it may be killed.
var steps = []string{"set", "supplement", "keys", "buckets", "deltas", "finished", "head", "pruned"}

// killedAt is set, with killed, in the child process of TestKilledAtEachStep.
const killedAt = "KHIEN_TEST_KILLED_AT"

// Whatever a publishing was doing when it was killed: clients have one whole release, all of it as it was published,
// before anything is mended; and after the next renewal, or the next publishing, nothing waits and nothing is damaged.
func TestKilledAtEachStep(t *testing.T) {
	dbtest.Long(t)
	now := time.Now().Unix()
	ours := newShop(t, "scam", now)
	for _, step := range steps {
		for what, mend := range map[string]func(s *shop) (Result, error){
			"a renewal":    func(s *shop) (Result, error) { return s.Renew(t.Context(), now, Alone) },
			"a publishing": func(s *shop) (Result, error) { return s.Publish(t.Context(), now) },
		} {
			t.Run(step+", then "+what, func(t *testing.T) {
				s := ours.copied(t)
				s.list(t, "new.example/")
				child := exec.Command(os.Args[0])
				child.Env = append(os.Environ(), killed+"="+s.dir, killedAt+"="+step)
				words, err := child.CombinedOutput()
				var ended *exec.ExitError
				if !errors.As(err, &ended) || ended.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
					t.Fatalf("%v: %s", err, words)
				}
				if errs := s.served(); len(errs) > 0 {
					t.Errorf("before it is mended: %v", errs)
				}
				damaged, err := Damaged(t.Context(), s.Ledger, s.Blobs, s.Keys.Root)
				if want := map[bool][]string{true: {"head"}}[step == "finished"]; err != nil || !slices.Equal(damaged, want) {
					t.Errorf("damaged: %q, %v", damaged, err)
				}
				before := s.client(t, now)
				if _, err := mend(s); err != nil {
					t.Fatal(err)
				}
				if damaged, err := Damaged(t.Context(), s.Ledger, s.Blobs, s.Keys.Root); err != nil || len(damaged) > 0 {
					t.Errorf("afterwards: %q, %v", damaged, err)
				}
				s.mustPublish(t, now)
				if errs := s.served(); len(errs) > 0 {
					t.Error(errs)
				}
				c := s.client(t, now)
				if c.Head().Sequence != before.Head().Sequence {
					c = s.follow(t, before, now)
				}
				if f := c.Check("https://new.example/", now); f.Verdict != checker.Listed {
					t.Errorf("%v", f.Verdict)
				}
			})
		}
	}
}

func publishAndDie(dir, at string) {
	var t fatal
	p := open(t, dir)
	p.Official = filepath.Join(dir, "official")
	p.reached = func(step string) {
		if step == at {
			syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}
	p.mustPublish(t, time.Now().Unix())
}
