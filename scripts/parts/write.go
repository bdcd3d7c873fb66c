package parts

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// Notices are for people: what is in a product, and then each text once, under the names of all that it is for.
func Notices(product string, all []Component) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s is under the Apache License 2.0, which is in the file LICENSE.\nThis of others is in it, under terms of its own:\n\n", product)
	var texts []string
	under := map[string][]string{}
	for _, p := range all {
		fmt.Fprintf(&b, "- %s: %s\n", p.title(), p.Terms)
		if p.From != "" {
			fmt.Fprintf(&b, "  %s\n", p.From)
		}
		for _, text := range p.Texts {
			if under[text] == nil {
				texts = append(texts, text)
			}
			under[text] = append(under[text], p.title())
		}
	}
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(under[text], "\n"), strings.TrimSpace(text))
	}
	return b.Bytes()
}

func (p Component) title() string { return strings.TrimSpace(p.Name + " " + p.Version) }

// BOM is for programs: the same as CycloneDX 1.6. It has neither a time nor a number of its own, so that equal products
// have equal ones.
func BOM(product, version string, all []Component) ([]byte, error) {
	bom := cdx.NewBOM()
	bom.Metadata = &cdx.Metadata{Component: &cdx.Component{
		BOMRef: product, Type: cdx.ComponentTypeApplication, Name: product, Version: version, Licenses: &cdx.Licenses{{Expression: "Apache-2.0"}},
	}}
	components := []cdx.Component{}
	for _, p := range all {
		c := cdx.Component{BOMRef: p.title(), Type: cdx.ComponentTypeLibrary, Name: p.Name, Version: p.Version, PackageURL: p.PURL, Licenses: &cdx.Licenses{{Expression: p.Terms}}}
		if p.Data {
			c.Type = cdx.ComponentTypeData
		}
		if p.From != "" {
			c.ExternalReferences = &[]cdx.ExternalReference{{Type: cdx.ERTypeWebsite, URL: p.From}}
		}
		components = append(components, c)
	}
	bom.Components = &components
	var b bytes.Buffer
	err := cdx.NewBOMEncoder(&b, cdx.BOMFileFormatJSON).SetPretty(true).Encode(bom)
	return b.Bytes(), err
}

// Join puts the parts of several pieces together, each once, in order of name, data last.
func Join(pieces ...[]Component) []Component {
	var all []Component
	for _, p := range slices.Concat(pieces...) {
		if !slices.ContainsFunc(all, func(q Component) bool { return q.title() == p.title() }) {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b Component) int {
		switch {
		case a.Data == b.Data:
			return strings.Compare(a.Name, b.Name)
		case a.Data:
			return 1
		}
		return -1
	})
	return all
}
