package feed

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
)

// json finds the records, and their fields.
func (g *guess) json(text string) bool {
	first, rest, more := strings.Cut(text, "\n")
	var one map[string]any
	if more && strings.HasPrefix(strings.TrimSpace(rest), "{") && json.Unmarshal([]byte(first), &one) == nil {
		g.Format = "jsonl"
		var all []any
		for line := range strings.Lines(text) {
			var v any
			if parse(line, &v); v != nil && len(all) < maxSample {
				all = append(all, v)
			}
		}
		g.objects(all)
		g.say("each line is a record of JSON")
		return true
	}
	var root any
	if parse(text, &root); root == nil {
		return false
	}
	g.Format = "json"
	best, most := []any(nil), 0.0
	groups := g.groups(root, "", 0)
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(groups))) { // what has a name before what has any
		all := groups[path]
		score := 0.0
		for _, v := range all[:min(len(all), maxSample)] {
			for _, c := range columnsOf([]any{v}) {
				if slices.ContainsFunc(c.samples, isThing) {
					score++
					break
				}
			}
		}
		if _, list := root.([]any); path == "" && !list {
			score /= 2 // one record, or the covers of a list
		}
		if score > most || score == most && len(all) < len(best) {
			best, most, g.Records = all, score, path
		}
	}
	g.objects(best)
	if g.Records == "" {
		g.say("it is one list of records")
	} else {
		g.say("the records lie at %s", g.Records)
	}
	return true
}

// parse reads as much of a value as there is.
func parse(text string, into *any) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	*into, _ = partial(d, 0)
}

func partial(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil || depth > maxDepth {
		return nil, errors.Join(err, ErrShape)
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			v, err := partial(d, depth+1)
			if v != nil {
				list = append(list, v)
			}
			if err != nil {
				return list, err
			}
		}
		_, err = d.Token()
		return list, err
	case json.Delim('{'):
		object := map[string]any{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return object, err
			}
			v, err := partial(d, depth+1)
			if key, ok := name.(string); ok {
				object[key] = v
			}
			if err != nil {
				return object, err
			}
		}
		_, err = d.Token()
		return object, err
	}
	return t, nil
}

// groups are the lists of records in a value, by the way to them.
func (g *guess) groups(v any, path string, depth int) map[string][]any {
	all := map[string][]any{}
	if depth > 4 {
		return all
	}
	step := func(name string) string { return strings.TrimPrefix(path+"."+name, ".") }
	switch v := v.(type) {
	case []any:
		all[path] = v
	case map[string]any:
		if path == "" {
			all[path] = []any{v}
		}
		var each []any
		for name, inner := range v {
			switch inner := inner.(type) {
			case []any:
				each = append(each, inner...)
			case map[string]any:
				each = append(each, inner)
			}
			if !strings.ContainsAny(name, ".*") {
				for path, list := range g.groups(inner, step(name), depth+1) {
					all[path] = list
				}
			}
		}
		if len(v) > 1 && len(each) >= len(v) {
			all[step("*")] = each
		}
	}
	return all
}

func (g *guess) objects(all []any) {
	g.columns = columnsOf(all[:min(len(all), maxSample)])
	if strings.HasSuffix(g.Records, "*") {
		g.columns = append(g.columns, column{name: "@key"})
	}
}

// columnsOf are the fields of records.
func columnsOf(all []any) []column {
	var columns []column
	var add func(name string, v any)
	add = func(name string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				add(strings.TrimPrefix(name+"."+key, "."), inner)
			}
		case []any:
			for _, inner := range v {
				add(name, inner)
			}
		default:
			said := sayings(nil, v)
			if name == "" {
				name = "."
			}
			i := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
			if i < 0 && len(columns) == maxFields {
				return
			}
			if i < 0 {
				i = len(columns)
				columns = append(columns, column{name: name})
			}
			if len(said) > 0 && said[0] != "" {
				columns[i].samples = append(columns[i].samples, said[0])
			}
		}
	}
	for _, v := range all {
		add("", v)
	}
	slices.SortFunc(columns, func(a, b column) int { return strings.Compare(a.name, b.name) })
	return columns
}
