module github.com/wasmlane/wasmlane/bench

go 1.26.0
