# Millrace. `make` alone lists the targets.
GO ?= go
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
HOMES = millrace_aws millrace_alibaba # build tags of programs for one cloud
PROFILE = cmd/millrace/server.pgo # where the server's time goes; what is called most is compiled for speed
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

.DEFAULT_GOAL := help
.PHONY: help build man run test race wire browser screenshots itest itest-ddb-local cost bench-aws bench-alibaba sim sim-seeds sim-long mutants model model-long check lint crash versions chaos hostile bench bench-micro profile fuzz clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/millrace
	$(GO) build -trimpath -pgo=$(PROFILE) -ldflags "-s -w -X main.version=$(VERSION)" -o bin/millrace ./cmd/millrace

man: ## write the manual pages of the command line to bin/man
	$(GO) run ./cmd/manpages bin/man $(VERSION)

run: build ## start the server on the embedded store and run a sample flow
	./bin/millrace serve --sample

test: ## every test: units, example flows, the live server, crashes, official clients
	$(GO) test $(RACE) -count=1 -timeout 40m $$($(GO) list ./... | grep -v -e /tests/sim$$ -e /tests/model$$ -e /tests/clouds$$)
	$(GO) test -count=1 -timeout 40m ./tests/clouds # the functions as they are deployed; raced by make itest RACE=-race
	$(GO) test -count=1 -timeout 40m ./tests/sim # the seeds of seeds.txt; never raced: its schedule is the seed's, and the detector would make its own
	./tests/clients/run.sh
	$(GO) -C tests/clouds/emulators test $(RACE) -count=1 ./...
	./tests/clouds/emulators/crosscheck/run.sh
	./tests/deploy/run.sh
	./tests/e2e/browser/run.sh

race: ## the same under the race detector
	$(MAKE) test RACE=-race

wire: ## the released official clients against the binary
	./tests/clients/run.sh

browser: ## the console in Chromium: every page, live, by keyboard, accessible
	./tests/e2e/browser/run.sh

screenshots: ## the pictures of docs/console.md, made anew from a real run
	./tests/e2e/browser/run.sh -run TestPictures -args -screenshots ../../../docs/images

lint: ## format, vet, staticcheck, tidy
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-clean:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	@for home in $(HOMES); do \
		$(GO) vet -tags $$home ./shared/app/cloud ./functions/... && \
		$(GO) vet -tags lambda.norpc,$$home ./shared/app/cloud $(addprefix ./functions/,api steprunner starter sweeper) || { echo "so it is with -tags $$home" >&2; exit 1; }; \
	done
	$(GO) run $(STATICCHECK) ./...
	$(GO) mod tidy -diff
	cd tests/clouds/emulators && $(GO) vet ./... && $(GO) run $(STATICCHECK) ./... && $(GO) mod tidy -diff

check: lint race model ## what CI runs

itest: ## stores, queues and the Lambda functions on DynamoDB and SQS look-alikes
	./tests/clouds/emulators/install.sh
	$(GO) test $(RACE) -count=1 -timeout 40m ./shared/store/... ./shared/queue/... ./tests/clouds/...

itest-ddb-local: ## the same stores and Lambda functions on Amazon's DynamoDB Local, for those who accept its licence
	./tests/clouds/emulators/ddb-local.sh sh -c '$(GO) test -count=1 ./shared/store/dynamostore/... ./tests/clouds/lambda/... && $(GO) test -count=1 -run /^lambda$$ ./tests/clouds'

cost: ## what executions cost on both clouds, beside CloudFlow and Step Functions
	$(GO) test -count=1 -v -parallel 1 -run '^TestCost$$' ./tests/clouds/cost # one home after the other: what takes time is billed

bench-aws: ## cold start, size and memory of the functions in Lambda
	$(GO) test -count=1 -v -run '^TestColdStart$$/^aws$$' ./tests/clouds/cost -args -starts 15 -sizes

bench-alibaba: ## the same in Function Compute, in both runtimes
	$(GO) test -count=1 -v -run '^TestColdStart$$/^alibaba' ./tests/clouds/cost -args -starts 15 -sizes

sim: ## the seeded simulation: make sim SEED=1 RUNS=100 FLOW=generated
	$(GO) run ./tests/sim/cmd $(if $(SEED),-seed $(SEED)) $(if $(RUNS),-runs $(RUNS)) $(if $(FLOW),-flow $(FLOW))

sim-seeds: ## choose the seeds that tests run anew, of RUNS (6000) from SEED (1) on, by what they reach
	$(GO) run ./tests/sim/cmd -seed $(or $(SEED),1) -runs $(or $(RUNS),6000) -choose tests/sim/seeds.txt

sim-long: ## the simulation for SIMTIME (1h), from SEED on, with a summary in SUMMARY
	$(GO) run ./tests/sim/cmd -for $(or $(SIMTIME),1h) $(if $(SEED),-seed $(SEED)) $(if $(SUMMARY),-summary $(SUMMARY))

mutants: ## slips put into the code, and who notices: SAMPLE (200) by SEED (1), SEEDS (1000) of simulation for each
	$(GO) run ./tests/mutate -seed $(or $(SEED),1) -sample $(or $(SAMPLE),200) -seeds $(or $(SEEDS),1000)

model: ## every state of the models of the commit protocol, and what spin finds wrong with their mutants
	VERBOSE=1 ./tests/model/run.sh

model-long: ## the same with larger configurations, about a quarter of an hour and 8 GB
	VERBOSE=1 ./tests/model/run.sh -long

crash: ## kill -9 again and again, about a minute
	$(GO) test -count=1 ./tests/faults/crash

versions: ## servers and functions of the commit BEFORE (HEAD~1) and of this one on the same rows
	./tests/clouds/emulators/install.sh
	MILLRACE_BEFORE=$(or $(BEFORE),HEAD~1) $(GO) test $(RACE) -count=1 -timeout 40m -run '^Test(Versions|Upgrade|Downgrade)$$' ./tests/faults/versions ./tests/faults/crash ./tests/clouds

chaos: ## kill -9, full disks, torn files, outages of the clouds: about a quarter of an hour; CHAOS=TestTornFiles runs one part
	$(if $(CHAOS),,MILLRACE_CRASH_SECONDS=120 $(GO) test -count=1 -timeout 30m ./tests/faults/crash)
	MILLRACE_CHAOS_SECONDS=$(or $(CHAOS_SECONDS),60) $(GO) test -count=1 -v -timeout 40m $(if $(CHAOS),-run '$(CHAOS)') ./tests/faults/chaos

hostile: ## good clients beside slow, huge, forged and dead ones; wrong identities; planted secrets
	MILLRACE_HOSTILE_SECONDS=$(or $(HOSTILE_SECONDS),30) $(GO) test -count=1 -v -timeout 20m ./tests/security
	./tests/clouds/emulators/install.sh
	$(GO) test -count=1 -v -timeout 20m -run '^TestLimits$$' ./tests/clouds

bench: build ## speed beside its ceiling, ratios in one run
	$(GO) run ./tests/bench -binary bin/millrace

profile: ## the profile that `make build` compiles with, anew
	mkdir -p .cache/profile
	for s in one-task five-tasks parallel-http parallel-pass start; do \
		$(GO) run -trimpath ./tests/bench -scenario $$s -clients 64 -seconds 5 -profile .cache/profile/$$s.prof || exit 1; \
	done
	$(GO) tool pprof -proto -output $(PROFILE) .cache/profile/*.prof

bench-micro: ## interpreter, expressions and parsers alone
	$(GO) test -run '^$$' -bench . -benchmem ./shared/interp ./shared/expr ./shared/fdl ./shared/value

fuzz: ## every fuzz target for FUZZTIME (30s); FUZZ says which, FUZZJOBS how many at a time
	@./tests/fuzz.sh

clean: ## remove what was built
	rm -rf bin .cache

# ---- AWS (docs/aws.md) -----------------------------------------------------------------------------------------------
# `sam build` calls build-<LogicalId> with ARTIFACTS_DIR set. LAMBDA_ARCH is the template's parameter Architecture.

LAMBDA_ARCH ?= arm64
LAMBDA_GOARCH_arm64 = arm64
LAMBDA_GOARCH_x86_64 = amd64
LAMBDA_GOARCH = $(or $(LAMBDA_GOARCH_$(LAMBDA_ARCH)),$(error LAMBDA_ARCH is arm64 or x86_64, not "$(LAMBDA_ARCH)"))
LAMBDA_BUILD = CGO_ENABLED=0 GOOS=linux GOARCH=$(LAMBDA_GOARCH) $(GO) build -trimpath -buildvcs=false -tags lambda.norpc,millrace_aws -ldflags "-s -w -buildid="
LAMBDA_FUNCTIONS = api steprunner starter sweeper

.PHONY: build-ApiFunction build-ExpressFunction build-StepRunnerFunction build-StarterFunction build-SweeperFunction package-aws deploy-check

build-ApiFunction build-ExpressFunction: LAMBDA_MAIN = api
build-StepRunnerFunction: LAMBDA_MAIN = steprunner
build-StarterFunction: LAMBDA_MAIN = starter
build-SweeperFunction: LAMBDA_MAIN = sweeper
build-ApiFunction build-ExpressFunction build-StepRunnerFunction build-StarterFunction build-SweeperFunction:
	@test -n "$(ARTIFACTS_DIR)" || { echo "$@ is for sam build, which sets ARTIFACTS_DIR; make package-aws builds zips without it" >&2; exit 1; }
	$(LAMBDA_BUILD) -o "$(ARTIFACTS_DIR)/bootstrap" ./functions/$(LAMBDA_MAIN)

package-aws: ## build bin/aws/*.zip, the Lambda functions, without SAM
	@for f in $(LAMBDA_FUNCTIONS); do \
		$(LAMBDA_BUILD) -o bin/aws/$(LAMBDA_ARCH)/$$f/bootstrap ./functions/$$f || exit 1; \
		(cd tests/deploy && $(GO) run ./pack ../../bin/aws/$$f-$(LAMBDA_ARCH).zip ../../bin/aws/$(LAMBDA_ARCH)/$$f/bootstrap) || exit 1; \
	done

# ---- Alibaba Cloud (docs/alibaba.md) -----------------------------------------------------------------------------------
# `s deploy` calls build-fc-<function>; Function Compute runs amd64. build-fc-host is for local runs.

FC_FUNCTIONS = api steprunner starter sweeper
FC_BUILDS = $(addprefix build-fc-,$(FC_FUNCTIONS))
FC_OUT ?= bin/fc
FC_PLATFORM ?= GOOS=linux GOARCH=amd64

.PHONY: build-fc build-fc-host $(FC_BUILDS)

build-fc: $(FC_BUILDS) ## build bin/fc/*/bootstrap, the functions of Function Compute
$(FC_BUILDS): build-fc-%:
	CGO_ENABLED=0 $(FC_PLATFORM) $(GO) build -trimpath -buildvcs=false -tags lambda.norpc,millrace_alibaba -ldflags "-s -w -buildid=" -o $(FC_OUT)/$*/bootstrap ./functions/$*

build-fc-host: ## the same for this machine, as bin/fc-host/*/bootstrap
	$(MAKE) build-fc FC_OUT=bin/fc-host FC_PLATFORM=

# The variables are those of s.yaml: `s deploy` calls this for the functions that get either file.
MILLRACE_CREDENTIALS_FILE ?= credentials.yaml
MILLRACE_RIGHTS_FILE ?= rights.json

.PHONY: check-rights
check-rights: ## rights.json is not older than credentials.yaml
	@$(GO) run ./cmd/millrace rights "$(MILLRACE_CREDENTIALS_FILE)" --check "$(MILLRACE_RIGHTS_FILE)"

deploy-check: ## the templates against their schemas, and against the code
	./tests/deploy/run.sh
