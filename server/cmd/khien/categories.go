package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"khien/shared/category"
	"khien/shared/texts"
)

func categoriesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "categories", Short: "List the kinds of scam, with their words in every language",
		Long: `Prints one JSON object a line for each kind of scam: its code, its name here, and by language what
it is called, how it works and what to do. "forms" are those of the 24 forms of online scams
that Vietnam's authorities published which belong to it.`,
		Example: `  $ khien categories
  {"code":26,"category":"otp","name":{"en":"Steals sign-in codes",...},"how":{...},"advice":{...},"forms":[{"number":19,...}]}`,
		Args: none,
		RunE: func(cmd *cobra.Command, _ []string) error {
			inAll := func(in func(lang string) string) map[string]string {
				m := map[string]string{}
				for _, lang := range texts.All() {
					m[lang] = in(lang)
				}
				return m
			}
			type form struct {
				Number int               `json:"number"`
				Name   map[string]string `json:"name"`
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			for _, c := range category.All() {
				var forms []form
				for _, f := range category.Forms() {
					if f.Category == c {
						forms = append(forms, form{f.Number, inAll(f.Name)})
					}
				}
				err := out.Encode(struct {
					Code     category.Category `json:"code"`
					Category string            `json:"category"`
					Name     map[string]string `json:"name"`
					How      map[string]string `json:"how"`
					Advice   map[string]string `json:"advice"`
					Forms    []form            `json:"forms,omitempty"`
				}{c, c.Slug(), inAll(c.Name), inAll(c.How), inAll(c.Advice), forms})
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
}
