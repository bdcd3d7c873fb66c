package console

import (
	"embed"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"khien/server/staff"
)

// route is one thing that can be asked for.
type route struct {
	Pattern string      // method and path, as http.ServeMux has them
	Right   staff.Right // what it takes
	do      func(*visit) error
}

// Beside the rights of package staff, a route may be for these.
const (
	everybody staff.Right = "everybody" // also who is not signed in
	seen      staff.Right = "seen"      // whoever may enter
)

// routes are all routes.
var routes = slices.Concat(entranceRoutes, confirmRoutes, queueRoutes, caseRoutes, bulkRoutes, releaseRoutes, peopleRoutes, logRoutes, takedownRoutes, appealRoutes, campaignRoutes, sourceRoutes, partnerRoutes)

// may tells whether somebody may take a route.
func (v *visit) may(right staff.Right) bool {
	return right == everybody || v.signedIn() && (right == seen || v.person.May(right, v.now()))
}

// routing is the way of a request: no request of another site, the session, the route, the right.
func (k *Console) routing() (http.Handler, error) {
	mux := http.NewServeMux()
	k.mux = mux
	for _, one := range routes {
		if one.Right == "" {
			return nil, fmt.Errorf("%s has no right", one.Pattern)
		}
		mux.HandleFunc(one.Pattern, func(w http.ResponseWriter, r *http.Request) { k.answer(w, r, one.Right, one.do) })
	}
	mux.HandleFunc("GET /static/{file}", static)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		k.answer(w, r, seen, func(*visit) error { return errNoPage })
	})
	own := http.NewCrossOriginProtection()
	own.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { plainly(w, r, http.StatusForbidden, "problem.origin") }))
	return own.Handler(k.sessions.LoadAndSave(mux)), nil
}

func (k *Console) answer(w http.ResponseWriter, r *http.Request, right staff.Right, do func(*visit) error) {
	defer func() {
		if recover() != nil {
			// The value of the panic may quote a report; the stack holds addresses only.
			k.Log.Error("a page caused a panic", "stack", string(debug.Stack()))
			plainly(w, r, http.StatusInternalServerError, "problem.fault")
		}
	}()
	v, err := k.visit(w, r)
	switch {
	case err != nil:
	case v.may(right):
		if err = v.read(); err == nil {
			err = do(v)
		}
	case v.signedIn() && v.person.Role.May(right):
		err = errWaits
	case v.signedIn():
		err = errForbidden
	case r.Method == http.MethodGet:
		v.enter()
		return
	default:
		err = errSignIn
	}
	if err != nil {
		v.problem(err)
	}
}

// maxWhy bounds what somebody writes for the audit log, in bytes.
const maxWhy = 2000

// read reads the form of a request, so that all of it is there for every route.
func (v *visit) read() error {
	var large *http.MaxBytesError
	err := v.r.ParseForm()
	if err == nil {
		err = v.r.ParseMultipartForm(maxForm)
	}
	switch {
	case errors.As(err, &large):
		return err
	case err != nil && !errors.Is(err, http.ErrNotMultipart):
		return &userError{http.StatusBadRequest, "problem.form", nil}
	case len(v.form("why")) > maxWhy:
		return wrong("problem.longwhy", maxWhy)
	}
	return nil
}

//go:embed static
var staticFiles embed.FS

var types = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

func static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	body, err := staticFiles.ReadFile("static/" + name)
	if err != nil {
		plainly(w, r, http.StatusNotFound, "problem.notfound")
		return
	}
	w.Header().Set("Content-Type", types[name[strings.LastIndexByte(name, '.'):]])
	w.Write(body)
}

var (
	errNoPage    = errors.New("there is no such page")
	errForbidden = errors.New("this takes another role")
	errWaits     = errors.New("the word of who is new does not count yet")
	errSignIn    = errors.New("nobody is signed in")
)
