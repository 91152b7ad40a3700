package promises

// Rules has the ten rules of the design (docs/protocol.md#the-rules).
var Rules = Topic{Name: "rule", Promises: []Promise{
	{Says: "R1. The row is the truth, the queue is a hint: losing, repeating, delaying or " +
		"reordering hints changes only when things happen",
		Invariants: []string{"everything ends", "late ready", "heard", "straight run"},
		Models:     []string{"sweep: nothing is left that waits for nobody", "sweep: ends"},
		Tests: []string{"shared/engine: TestHintsLost, TestAcceptorHintsLost",
			"tests/faults/chaos: TestFullQueue"}},
	{Says: "R2. One conditional write of the state row decides; other rows decide nothing",
		Invariants: []string{"next version", "counts once", "history", "written once",
			"durable call"},
		Models: []string{"commit: one version, one writer",
			"commit: the history has no gap and is not rewritten", "commit: a message counts once"},
		Tests: []string{"shared/store/pebblestore: TestConformance",
			"shared/store/dynamostore: TestConformance", "shared/store/otsstore: TestConformance"}},
	{Says: "R3. A name is claimed once, and a claim is known by its own token and origin",
		Invariants: []string{"claimed once", "claim stays", "start response", "one order", "origin",
			"own name", "same request"},
		Models: []string{"claim: a name is claimed once",
			"claim: no starter's own start counts as another one"},
		Tests: []string{"shared/engine: TestStartRace, TestClaimAnswerLost, " +
			"TestClaimStolen, TestSameOriginIsSameStart", "tests/clients: TestStartRace",
			"tests/faults/crash: TestLinear"}},
	{Says: "R4. An outcome is accepted once: the commit that closes the attempt wins, the " +
		"others are rejected",
		Invariants: []string{"counts once", "final status", "report response",
			"report of another attempt", "stop response", "one order", "marked"},
		Models: []string{"outcome: an attempt is closed once", "outcome: a message counts once",
			"outcome: accepted: the message has counted", "outcome: rejected: the attempt is closed"},
		Tests: []string{"shared/engine: TestReportAnswerLost, TestFlowV1ReportCountsOnce, " +
			"TestInbox", "tests/faults/crash: TestKills"}},
	{Says: "R5. The interpreter is pure: no clock, no randomness, no I/O",
		Invariants: []string{"straight run"},
		Tests: []string{"shared/interp: TestReplayExamples, TestReplayGenerated",
			"tests/layout: TestCoreIsPure"}},
	{Says: "R6. Ids, names and random values are derived, differ by entry and attempt, and are " +
		"the same when they are derived again",
		Invariants: []string{"origin", "reference", "straight run"},
		Tests: []string{"shared/interp: TestRandom, TestRandomOfEntries, TestChildName, " +
			"TestTokenCovers", "tests/reference: TestExamples"}},
	{Says: "R7. A row that waits has a wake time no later than its earliest need; the sweeper " +
		"finds it",
		Invariants: []string{"wake", "wake of the interpreter", "late timer", "late ready",
			"late outbox", "late inbox", "put off"},
		Models: []string{"sweep: the wake time is not later than the earliest need",
			"sweep: what is not due is not put off"},
		Tests: []string{"shared/engine: TestLongWaitsAreOnTime",
			"shared/store/pebblestore: TestConformance"}},
	{Says: "R8. At least once for the call, once for the record: a result is never dropped " +
		"while its attempt is open, and a call whose process died is repeated",
		Invariants: []string{"durable call", "one caller", "one call at a time",
			"call within its lease", "result kept", "late result", "late lease", "lease"},
		Models: []string{"outcome: nobody else has it, and no live runner has had its answer"},
		Tests: []string{"shared/engine: TestResultSurvivesLostRaces, TestLateResultCounts, " +
			"TestLostCallsEnd, TestMaxCalls, TestLeases, TestLeasesOfOthers, " +
			"TestResumeWhateverTheLeaseWas", "tests/clouds/fc: TestDeathAfterSubmission"}},
	{Says: "R9. Bad input never reaches the store, and a flow that fails does so as a flow",
		Invariants: []string{"no panic", "limit", "readable", "poison count"},
		Models:     []string{"sweep: only an execution that has ended enough engines fails as poison"},
		Tests: []string{"shared/fdl: TestInvalidDefinitions, TestHostileTexts",
			"shared/interp: TestDamagedSteps, TestErrorsAreBounded",
			"tests/e2e: TestInvalidDefinitions", "tests/security: TestBombs"}},
	{Says: "R10. No result is faked, and what a response shows is durable",
		Invariants: []string{"durable call", "start response", "describe response", "report response",
			"readable"},
		Tests: []string{"shared/store/pebblestore: TestPowerCut, TestKill",
			"tests/faults/crash: TestKills", "tests/faults/chaos: TestTornFiles"},
		Open: "durability of DynamoDB, TableStore and the disk itself is taken for granted"},
}}
