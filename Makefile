# Needs GNU make and Go 1.26. The race detector of "make test" needs a C compiler.

VERSION     ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BINARY      ?= bin/wasmlane
FUZZTIME    ?= 30s
STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
# No revision in the binary: a plugin's bytes change with its sources only.
GOBUILD     := go build -trimpath -buildvcs=false

# Packages that no request runs much of are compiled without inlining, and functions
# are aligned to 8 bytes: 1.2 MB of 13.7, see "Why is there no inlining in some packages?"
# in docs/RATIONALE.md. What requests run is not among them.
ENGINE := github.com/tetratelabs/wazero/internal
COLD   := crypto/internal/fips140/rsa crypto/internal/fips140/ecdsa crypto/internal/fips140/drbg crypto/dsa crypto/ecdh crypto/ecdsa crypto/ed25519 crypto/elliptic crypto/hpke crypto/rsa \
	crypto/tls crypto/x509/... debug/... encoding/asn1 encoding/json encoding/pem flag fmt log/slog/... \
	math/big mime/... net net/http/... net/url os/... reflect regexp/... \
	vendor/golang.org/x/crypto/cryptobyte/... vendor/golang.org/x/net/... vendor/golang.org/x/text/... \
	github.com/BurntSushi/... github.com/fsnotify/... github.com/redis/... \
	$(ENGINE)/engine/wazevo/backend/isa/... $(ENGINE)/engine/wazevo/frontend $(ENGINE)/wasm/binary $(ENGINE)/wasmdebug \
	./host/cmd/... ./host/internal/admin ./host/internal/config ./host/internal/dashboard \
	./host/internal/discovery ./host/internal/meter ./host/internal/reload ./sdk/...
SMALL  := $(foreach package,$(COLD),-gcflags='$(package)=-l')

PLUGINS  := $(patsubst plugins/%/go.mod,plugins/%.wasm,$(wildcard plugins/*/go.mod))
EXAMPLES := $(foreach dir,$(patsubst %/go.mod,%,$(wildcard examples/*/go.mod)),$(dir)/$(notdir $(dir)).wasm)
NESTED   := $(patsubst %/go.mod,%,$(wildcard sdk/go/go.mod plugins/*/go.mod examples/*/go.mod abi/conformance/guests/*/go.mod))

.PHONY: help build plugins run image test check fuzz bench bench-setup bench-sandbox sizes pack clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build the host, bin/wasmlane
	@echo "go build -o $(BINARY) ./host/cmd/wasmlane, with the flags of the Makefile"
	@CGO_ENABLED=0 $(GOBUILD) $(SMALL) -ldflags="-s -w -funcalign=8 -X main.version=$(VERSION)" -o $(BINARY) ./host/cmd/wasmlane

plugins: $(PLUGINS) $(EXAMPLES) ## build the Go plugins and examples that have changed

run: build plugins ## build all, then serve with host.toml
	exec bin/wasmlane run -c host.toml

image: build ## build the container image without a daemon, bin/wasmlane.tar; needs buildah
	deploy/docker/image.sh bin/wasmlane bin/wasmlane.tar $(VERSION)

# $(call wasm,FILE.wasm,DIRECTORY). Directories are prerequisites too: their time
# changes when a file is removed. The file is put in place whole, so that a running
# host never reads half of it; that changes the time of an example's directory, and
# touch makes the file the newer one again.
sources = $(shell find $(1) -type d -o -name '*.go' ! -name '*_test.go' -o -name go.mod -o -name go.sum)
# A program with //go:wasmexport is a plugin of handlers; any other is a WASI command.
mode = $(shell grep -qrs --include='*.go' '^//go:wasmexport' $(1) && echo -buildmode=c-shared)
define wasm
$(1): $(call sources,$(2) sdk/go)
	cd $(2) && GOOS=wasip1 GOARCH=wasm $(GOBUILD) $(call mode,$(2)) -ldflags="-s -w" -o "$(CURDIR)/$(1).tmp" .
	@mv $(1).tmp $(1) && touch $(1)
endef
$(foreach file,$(PLUGINS),$(eval $(call wasm,$(file),$(file:.wasm=))))
$(foreach file,$(EXAMPLES),$(eval $(call wasm,$(file),$(patsubst %/,%,$(dir $(file))))))

# $(call nested,COMMAND) runs a command in every module below this one.
nested = @set -e; for module in $(NESTED); do printf '%s: %s\n' "$$module" '$(1)'; (cd $$module; $(1)); done

# Twenty minutes more than the go command gives a package: some take minutes on a quick
# machine, and a slow one may have other things to do.
PATIENT := -timeout 30m

# The race detector needs cgo, a C compiler and the headers of libc.
can_race = [ "$$(go env CGO_ENABLED)" = 1 ] && echo '\#include <stdlib.h>' | $$(go env CC) -x c -fsyntax-only - 2>/dev/null

test: plugins ## run every test, with the race detector if there is a C compiler
	@if $(can_race); then race=-race; \
	elif [ "$$CI" = true ]; then echo "make test: no working C compiler for the race detector; install gcc and libc6-dev" >&2; exit 1; \
	else race=; echo "make test: no working C compiler, so the race detector is off"; fi; \
	echo go test $$race $(PATIENT) ./...; go test $$race $(PATIENT) ./...
	@# What the race detector would distort, allocations for one, or would take minutes
	@# to run, plugins in all languages, is left out above.
	go test $(PATIENT) $$(grep -rl --include='*_test.go' '^//go:build !race' abi examples host | xargs -n1 dirname | sort -u | sed 's,^,./,')
	$(call nested,go test ./...)
	cd deploy/validate && go test ./...
	@[ "$$(go env GOOS)" != linux ] || { echo "bench: go test ./..."; cd bench && go test ./...; }

check: ## everything but the tests: format, vet, staticcheck, tidy, imports, git diff
	@files=$$(gofmt -l .); [ -z "$$files" ] || { echo "not formatted; run gofmt -w on:"; echo "$$files"; exit 1; } >&2
	go vet ./...
	$(call nested,go vet ./...)
	cd bench && GOOS=linux go vet ./... && go mod tidy -diff
	cd deploy/validate && go vet ./... && go mod tidy -diff && $(STATICCHECK) ./...
	cd deploy/validate && go run . $(patsubst %,../kubernetes/%,base overlays/redis)
	$(call nested,GOOS=wasip1 GOARCH=wasm go vet ./...)
	@set -e; for system in linux/arm64 darwin/arm64 windows/amd64; do \
		export GOOS=$${system%/*} GOARCH=$${system#*/} CGO_ENABLED=0; \
		echo "$$system: go vet and go build"; go vet ./...; go build -o /dev/null ./host/cmd/wasmlane; \
	done
	printf 'linux: GOOS=linux\ndarwin: GOOS=darwin\nwindows: GOOS=windows\n' | $(STATICCHECK) -matrix ./...
	$(call nested,printf "native:\nwasip1: GOOS=wasip1 GOARCH=wasm\n" | $(STATICCHECK) -matrix ./...)
	go mod tidy -diff
	$(call nested,go mod tidy -diff)
	go test -count=1 -run '^TestImport' ./host
	@# The budget of docs/RATIONALE.md, for the system that it was set for.
	@[ "$$(go env GOOS)/$$(go env GOARCH)" != linux/amd64 ] || { $(MAKE) --silent build && size=$$(wc -c <$(BINARY)) && \
	{ [ $$size -le 12582912 ] || { echo "make check: $(BINARY) has $$size bytes, and its budget is 12 MiB, 12582912; see COLD in the Makefile" >&2; exit 1; }; }; }
	@[ ! -e .git ] || { git --no-pager diff --exit-code && new=$$(git ls-files --others --exclude-standard) && [ -z "$$new" ]; } || \
	{ echo "make check: all else is well, but git does not have these as they are here:"; git diff --name-only; echo "$$new"; exit 1; } >&2

fuzz: ## run every fuzz target of the host for FUZZTIME, 30s each
	@set -e; for package in $$(go list ./...); do \
		targets=$$(go test -list '^Fuzz' $$package); \
		for target in $$targets; do case $$target in Fuzz*) \
			echo "$$package $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x $$package;; \
		esac; done; \
	done

bench: ## measure against everything else; writes docs/BENCHMARKS.md
	cd bench && go run . -o docs/BENCHMARKS.md $(BENCH)

bench-setup: ## install and build what the peers of make bench need
	cd bench && go run . -setup

bench-sandbox: ## print the figures of the sandbox, against their bars
	@cd host/internal/sandbox && go test -count=1 -timeout 10m -run '^TestFigures$$' -figures

sizes: ## print how large plugins are, language by language
	@go test -count=1 -run '^TestSizes$$' ./host/cmd/wasmlane -sizes -v | grep '^|'

pack: ## pack the SDKs that "wasmlane new" copies, after a change of one
	go test -count=1 -run '^TestPacked$$' ./sdk -update

clean: ## remove what was built and the compile cache, not the data
	rm -rf bin .wasmlane/cache $(PLUGINS) $(EXAMPLES) $(PLUGINS:=.tmp) $(EXAMPLES:=.tmp)
