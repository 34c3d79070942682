module example.com/bench

go 1.24

require github.com/wasmlane/wasmlane/sdk/go v0.0.0

replace github.com/wasmlane/wasmlane/sdk/go => ../../../sdk/go
