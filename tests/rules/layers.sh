#!/bin/sh
# Checks every #include under src/ against the table "Layers" of doc/architecture.md:
#   layers.sh [source folder]
# Prints one line a breach; exit status 1 when there is any.
set -eu
cd "${1:-$(dirname "$0")/../..}"

find src -name '*.[ch]' | LC_ALL=C sort | xargs grep -n '^[[:space:]]*#[[:space:]]*include' /dev/null |
awk -v document=doc/architecture.md '
function breach(text) {
    print where ": " text
    failed = 1
}

# Table of the document: level, allowed and owner (of public headers) by folder.
function read_table(   line, cell, word, n, i) {
    while ((getline line < document) > 0) {
        if (line !~ /^\| L[0-9] \|/)
            continue
        split(line, cell, "|")
        gsub(/ /, "", cell[2])
        gsub(/ /, "", cell[3])
        level[cell[3]] = substr(cell[2], 2) + 0
        n = split(cell[4], word, " ")
        for (i = 1; i <= n; i++)
            allowed[cell[3], word[i]] = 1
        n = split(cell[5], word, " ")
        for (i = 1; i <= n; i++)
            owner[word[i]] = cell[3]
        n_rows++
    }
    if (n_rows < 10) {
        where = document
        breach("the table of layers is missing or cut")
        exit 1
    }
}

function may(from, to) {
    if (from == to || to == "base" || (from, to) in allowed)
        return 1
    return from == "pipeline" && level[to] < level[from]
}

function check_own(folder, header,   to) {
    to = header
    if (!sub(/\/.*/, "", to))
        return # a plain name: the compiler looks beside the file, so it is the folder itself
    if (to == "retrain") {
        sub(/^retrain\//, "", header)
        if (!(header in owner))
            breach("retrain/" header " has no owner in the table of " document)
        else if (folder != "cli" && !may(folder, owner[header]))
            breach(folder " may not include retrain/" header ", the header of " owner[header])
        return
    }
    if (!(to in level))
        breach("\"" header "\": no folder " to " in the table of " document)
    else if (to == folder)
        breach("\"" header "\": own headers are included by plain name")
    else if (!may(folder, to))
        breach(folder " (L" level[folder] ") may not include " to " (L" level[to] ")")
}

function check_system(file, folder, header,   other) {
    if (header in system_header || header ~ /^sys\//)
        return
    if (header ~ /intrin\.h$|^arm_neon\.h$|^cpuid\.h$/) {
        if (folder != "kernel" && folder != "image" && folder != "base")
            breach("<" header ">: processor intrinsics belong in kernel and image")
        return
    }
    if (file !~ /\.c$/)
        breach("<" header ">: a third-party header in a header of ours")
    other = used_by[header]
    if (other != "" && other != file)
        breach("<" header ">: a third-party header that " other " includes too")
    used_by[header] = file
}

BEGIN {
    read_table()
    n = split("assert ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg " \
              "stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath time wchar wctype " \
              "dirent dlfcn fcntl fnmatch fts ftw getopt glob grp langinfo libgen netdb poll pthread pwd regex " \
              "sched semaphore spawn syslog termios unistd", name, " ")
    for (i = 1; i <= n; i++)
        system_header[name[i] ".h"] = 1
}

{
    split($0, part, ":")
    file = part[1]
    where = file ":" part[2]
    folder = file
    sub(/^src\//, "", folder)
    if (!sub(/\/.*/, "", folder) || !(folder in level)) {
        breach("no row for this folder in the table of " document)
        next
    }
    n_includes++
    if (match($0, /"[^"]*"/))
        check_own(folder, substr($0, RSTART + 1, RLENGTH - 2))
    else if (match($0, /<[^>]*>/))
        check_system(file, folder, substr($0, RSTART + 1, RLENGTH - 2))
    else
        breach("an include that names no file")
}

END {
    if (n_rows < 10)
        exit 1
    if (n_includes == 0) {
        where = "src"
        breach("no #include found: is this the source folder?")
    }
    printf "%d includes checked\n", n_includes
    exit failed
}'
