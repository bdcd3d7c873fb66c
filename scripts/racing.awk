# Which tests have several do something at once, by themselves or by what they call of their own package: a pattern for
# go test -run, and below it the packages that have such tests.
# usage: awk -f racing.awk *_test.go...
/^func / {
	name = $0
	sub(/^func (\([^)]*\) )?/, "", name)
	sub(/[^A-Za-z0-9_].*/, "", name)
	folder = FILENAME
	sub(/[^\/]*$/, "", folder)
	folders[folder]
	next
}
name { body[folder, name] = body[folder, name] "\n" $0 }
/go func|\.Go\(|synctest\.|\.Parallel\(|testscript\.Run\(/ { racing[folder, name] }
END {
	for (folder in folders) {
		names = ""
		for (one in racing) if (split(one, of, SUBSEP) && of[1] == folder) names = names "|" of[2]
		do {
			found = 0
			for (one in body)
				if (!(one in racing) && split(one, of, SUBSEP) && of[1] == folder && names &&
				    body[one] ~ ("(^|[^A-Za-z0-9_])(" substr(names, 2) ")[(]")) {
					racing[one]
					names = names "|" of[2]
					found = 1
				}
		} while (found)
	}
	for (one in racing)
		if (split(one, of, SUBSEP) && of[2] ~ /^Test/ && of[2] != "TestMain") {
			tests = tests "|" of[2]
			packages[of[1]]
		}
	print "^(" substr(tests, 2) ")$"
	for (folder in packages) print "./" folder
}
