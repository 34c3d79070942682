module github.com/wasmlane/wasmlane/sdk/go

go 1.24
