package main

import "khien/shared/set"

// The peers are measured natively.
func peers(func(line), []set.Entry, []byte, [][2]uint64, func(bool)) {}

func patch(_, _ []set.Entry) float64 { return 0 }

func writeTrial(string) error { return nil }

func names(string) error { return nil }

func lists(string, int) error { return nil }
