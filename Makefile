# Absah. "make help" lists what can be done; "make run" and "make test" install
# what they need on a Debian machine that has Go, gcc, git and apt.

GO       ?= go
FUZZTIME ?= 60s
PKG      ?= ./...
# Of the tests of a package; the ten minutes of the go command are few on two busy cores.
TIMEOUT  ?= 30m
ARGS     ?=

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
# What the go command leaves out of ./... because it stands under testdata.
GENERATORS := ./testdata/gen ./testdata/gen-attacks
FAULT      := ./testdata/fault

# Tools are pinned here and nowhere else, and built into .tools/bin.
TOOLS         := $(CURDIR)/.tools/bin
STATICCHECK   := $(TOOLS)/staticcheck-0.8.2
GOLANGCI_LINT := $(TOOLS)/golangci-lint-2.15.0
GOVULNCHECK   := $(TOOLS)/govulncheck-1.1.4

export CGO_ENABLED := 1
# For SQLite, which is compiled from its source: one system call for a read or
# a write at an offset instead of two; a commit waits for the data and the size
# of the file, not for its time (fdatasync); no counting of memory under a lock.
export CGO_CFLAGS := -g -O2 -DUSE_PREAD=1 -DHAVE_FDATASYNC=1 -DSQLITE_DEFAULT_MEMSTATUS=0

.DEFAULT_GOAL := help
.PHONY: help build run test race lint fuzz bench interop fault deploy screenshots corpus readme testdata clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/absah
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/absah ./cmd/absah

run: ## sign a letter in a demo with its own HSM token and PKI, then serve (ARGS="--once" to stop)
	@scripts/packages run
	@scripts/preview
	@$(MAKE) --no-print-directory build
	bin/absah demo $(ARGS)

test: ## run all tests (PKG=./pdf/... for some)
	@scripts/packages test
	@scripts/npm api/web/browsertest
	@scripts/preview
	scripts/postgres run $(GO) test -timeout $(TIMEOUT) $(PKG)

race: ## run all tests under the race detector (PKG=./hsm/... for some)
	@scripts/packages test
	scripts/postgres run $(GO) test -race -timeout $(TIMEOUT) $(PKG)

lint: $(STATICCHECK) $(GOLANGCI_LINT) $(GOVULNCHECK) ## gofmt, go vet, staticcheck, golangci-lint, govulncheck
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
		if [ -n "$$unformatted" ]; then echo "gofmt these:"; echo "$$unformatted"; exit 1; fi
	$(GO) mod tidy -diff
	$(GO) vet ./... $(GENERATORS) $(FAULT)
	$(GO) vet -tags fault ./internal/fault ./cmd/absah
	$(STATICCHECK) ./... $(GENERATORS) $(FAULT)
	$(GOLANGCI_LINT) run ./... $(GENERATORS) $(FAULT)
	@scripts/vulncheck $(GOVULNCHECK)

fuzz: ## fuzz every target for FUZZTIME (60s), one after the other (PKG=./cms/... for some)
	GO='$(GO)' scripts/fuzz $(FUZZTIME) $(PKG)

bench: build ## measure against the raw HSM, pdfsign and OpenSSL (docs/PERFORMANCE.md)
	@scripts/packages test
	cd testdata/bench && $(GO) run . $(ARGS)

interop: build ## put what we sign before other people's validators (CI=true: a skip fails)
	@scripts/packages test
	testdata/interop/setup.sh
	cd testdata/interop && $(GO) test ./... && $(GO) run . $(ARGS)
	$(if $(ARGS),,cd testdata/interop && $(GO) run ./xsd)

fault: build ## kill the gateway between its writes, 10,000 operations on each database (ARGS="-kills 1 -operations 500" for fewer)
	@scripts/packages test
	scripts/postgres run $(GO) test -v -count=1 -timeout 0 ./testdata/fault -kills 20 -operations 10000 $(ARGS)

deploy: build ## check the systemd unit, build the container image without an engine and run it
	@scripts/packages deploy
	scripts/deploy

screenshots: ## write pictures of all pages to screenshots/, narrow and wide, light and dark
	@scripts/packages test
	@scripts/npm api/web/browsertest
	@scripts/preview
	CI=true $(GO) test -count=1 -run 'Screenshots|Complaint|AxeFaults' ./api/web/browsertest -screenshots $(CURDIR)/screenshots

corpus: ## run the tests over the third-party corpus in ../shared/corpus
	@scripts/packages test
	$(GO) test -count=1 -v -run 'Corpus' $(PKG) | grep -v '^=== \|no tests to run\|no test files'

readme: ## run the commands of README.md
	@scripts/packages test
	@scripts/readme README.md

testdata: ## write testdata/pdf and testdata/attacks anew
	@for g in $(GENERATORS); do $(GO) run $$g || exit; done

clean: ## remove what was built, the tools too
	rm -rf bin .tools demo screenshots

$(STATICCHECK):
	@scripts/tool $@ honnef.co/go/tools/cmd/staticcheck@v0.8.2

$(GOLANGCI_LINT):
	@scripts/tool $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

$(GOVULNCHECK):
	@scripts/tool $@ golang.org/x/vuln/cmd/govulncheck@v1.1.4
