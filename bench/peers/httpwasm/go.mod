module example.com/httpwasm

go 1.26

require github.com/http-wasm/http-wasm-host-go v0.7.0

require github.com/tetratelabs/wazero v1.8.0 // indirect
