package promises

// Protocol has the promises of an execution's protocol beyond the rules (ARCHITECTURE.md,
// docs/model.md).
var Protocol = Topic{Name: "execution", Promises: []Promise{
	{Says: "the history has no gap, and nothing that a failed commit has written",
		Invariants: []string{"history", "written once", "legal history", "history response"},
		Models: []string{"commit: a history row is never written anew with other bytes",
			"commit: the rows reach up to the tail",
			"claim: a row of the history always belongs to one run"}},
	{Says: "states, entries, attempts, retries, catches, timers, aborts and results follow the " +
		"definition",
		Invariants: []string{"reference", "attempts", "open iterations", "example result"},
		Tests: []string{"tests/reference: TestExamples, TestGenerated, TestTester",
			"tests/e2e: TestExamples", "tests/clouds: TestExamples",
			"shared/flowtest: TestExamples"},
		Open: "the reference does not judge distributed Maps; only `TestExamples` compares " +
			"the texts of errors that the engine finds"},
	{Says: "waits, timeouts and retry intervals end neither early nor late",
		Invariants: []string{"early", "late timer", "wake"},
		Tests: []string{"tests/reference: TestExamples",
			"shared/engine: TestLongWaitsAreOnTime, TestTimeouts"},
		Open: "to the millisecond only where time is exact (`tests/reference`); in the " +
			"simulation within a sweep and its margin, after faults"},
	{Says: "an expired lease is found within its margin and a sweep; after five of them the " +
		"attempt fails",
		Invariants: []string{"late lease", "lease", "reference"},
		Models:     []string{"outcome: again"},
		Tests:      []string{"shared/engine: TestMaxCalls, TestLeases, TestLostCallsEnd"}},
	{Says: "a poison execution is quarantined and fails; a healthy one never does",
		Invariants: []string{"poison count", "put off"},
		Models:     []string{"sweep: only an execution that has ended enough engines fails as poison"},
		Tests: []string{"shared/engine: TestPoison, TestAcceptorPoison, " +
			"TestLostCommitsAreNoPoison, TestWaitingIsNoPoison, TestQuarantine, TestLeftBehind"}},
	{Says: "each item of a distributed Map is worked on once and counts once; its children end " +
		"with it",
		Invariants: []string{"MapRun items", "MapRun results", "MapRun counts", "MapRun tolerance",
			"MapRun concurrency", "MapRun advances", "MapRun stops", "same child", "origin"},
		Tests: []string{"shared/interp: TestMapRun, TestMapRunTolerance, TestMapRunBatches, " +
			"TestMapRunAborted, TestMapRunUpdated, TestReplayMapRuns, TestItemReader, " +
			"TestItemReaderStored, TestItemReaderLost, TestResultWriter, TestResultWriterFiles",
			"shared/task/itemtask: TestItems, TestChanged, TestRetries",
			"shared/engine: TestMapRun, TestMapRunSurvives, TestMapRunStartsOnce, " +
				"TestMapRunEndsChildren, TestUpdateMapRun, TestUpdateMapRunLosesRaces"},
		Open: "the reference judges children, and not the Map itself"},
	{Says: "an accepted change of a MapRun stays and takes effect at once",
		Invariants: []string{"MapRun update", "MapRun advances", "MapRun concurrency",
			"MapRun tolerance"},
		Tests: []string{"shared/interp: TestMapRunUpdated",
			"shared/engine: TestUpdateMapRun, TestUpdateMapRunLosesRaces"}},
	{Says: "a message that loses too many races is accepted through the inbox, or its sender " +
		"gets an error that allows a retry",
		Invariants: []string{"inbox row", "late inbox", "marked", "report response", "stop response"},
		Models: []string{"outcome: no row is left", "outcome: rejected: the message has not counted",
			"outcome: inboxEntries", "outcome: answered"},
		Tests: []string{"shared/engine: TestInbox, TestInboxGivesUp, TestWideInbox, " +
			"TestLeftInboxEntry, TestInboxEntryComesTooLate"}},
	{Says: "the end of a child, or of an execution with a callback token, is reported once, as " +
		"it was",
		Invariants: []string{"child end", "sent", "late callback", "callback arrives", "late outbox",
			"counts once"},
		Models: []string{"relay: by the end of its own child",
			"relay: which has been committed", "relay: and which counts once", "relay: delivered"},
		Tests: []string{"shared/engine: TestFlowV1TokenTwice, TestFlowV1CallbackTwice, " +
			"TestFlowV1CallbackLate, TestChildsEndThroughInbox, TestCallbacks"},
		Open: "only `TestFlowV1TokenTwice` checks that in FlowV1 the end does not count " +
			"for the next attempt; tokens of other deployments do not exist"},
	{Says: "a child is stopped if no task waits for it any more",
		Invariants: []string{"orphan", "late stop", "stopped namesake", "reference"},
		Models:     []string{"relay: with nothing left to send", "relay: stops"},
		Tests: []string{"shared/engine: TestStopReachesChildren, TestStopWhileChildStarts, " +
			"TestChildIsStoppedByItsName"},
		Open: "a child that is claimed more than 7 s after its parent's task has ended " +
			"runs to its own end"},
	{Says: "a child is identified by the attempt that started it, and never mistaken for " +
		"another execution of the same name",
		Invariants: []string{"origin", "own child", "own name", "stopped namesake"},
		Tests: []string{"shared/engine: TestSameOriginIsSameStart, " +
			"TestNameTakenBySomebodyElse"}},
	{Says: "a repeated start without a name is the same start",
		Invariants: []string{"same request"},
		Tests: []string{"tests/clients: TestGeneratedName",
			"shared/app/local: TestReplayAfterRestart"}},
	{Says: "limits: events, data, body, iterations, calls in flight, running executions",
		Invariants: []string{"limit", "limit of events", "limit of data", "limit of calls",
			"limit of executions", "open iterations"},
		Tests: []string{"shared/interp: TestEventLimitIsExact, TestDataLimits, " +
			"TestResultLimit, TestGlobalLimits",
			"shared/engine: TestExecutionLimit, TestLineOfCallsIsBounded",
			"tests/clouds: TestLimits"},
		Open: "the number of running executions is exact in one process only; several " +
			"share none"},
	{Says: "an invocation of a function ends within its timeout",
		Invariants: []string{"invocation"},
		Tests: []string{"shared/engine: TestShortFunction, TestCallsLeaveHalfOfTheTime, " +
			"TestWorkHandsOver"}},
	{Says: "an ended execution is kept for its retention, and then removed completely",
		Invariants: []string{"retention", "kept until it expires", "every row expires",
			"nothing left", "readable"},
		Models: []string{"claim: nothing is removed that has not expired",
			"claim: no row is left", "claim: forgotten"},
		Tests: []string{"shared/store: TestDeleteExpiredEarlierRun, " +
			"TestDeletedFlowLeavesNothing"}},
	{Says: "a search finds what matches, once, and nothing else; what it goes by is fixed at the start " +
		"and at the end",
		Invariants: []string{"found", "find", "filter", "list"},
		Tests: []string{"shared/cloudflow: TestFind, TestPageTokenOfOtherFilters, " +
			"TestFindOnlyWhatIsVisible", "shared/flow: TestSearchKeys, TestFailureGroup"}},
	{Says: "a deleted execution had ended and reported its end; no reader sees it again, its rows " +
		"are removed, and its name stays taken until its retention is over",
		Invariants: []string{"deleted", "delete response", "claimed once", "same request",
			"everything ends", "nothing left", "one order"},
		Tests: []string{"shared/engine: TestDeleteExecution, TestDeleteRunning, " +
			"TestDeleteBegun, TestDeleteReading", "shared/store: TestDeletedRowGolden",
			"tests/reference/linear: TestJudge"}},
	{Says: "a redrive begins one life of an execution that has ended without success; what has " +
		"succeeded is not run again, and nothing of an earlier life counts in a later one",
		Invariants: []string{"redriven", "redrive response", "final status", "counts once",
			"reference", "straight run", "legal history", "child end", "retention",
			"report response", "one order"},
		Tests: []string{"shared/interp: TestRedriveTask, TestRedriveStepToken, " +
			"TestRedriveParallel, TestRedriveMap, TestRedriveSteps, TestRedriveMapRun, " +
			"TestRedriveReader, TestRedriveCallback, TestRedriveTwice, TestReplayRedriven",
			"shared/engine: TestRedriveRace, TestRedriveLost, TestRedriveKeepsRows, " +
				"TestRedriveStops, TestRedriveChild, TestRedriveQuota"}},
	{Says: "an execution runs the definition that its flow had at the start; a deleted flow's " +
		"executions are stopped",
		Invariants: []string{"definition at the start", "definition kept", "deleted flow",
			"flow response", "start response", "two owners"},
		Tests: []string{"shared/store: TestSupersededDefinition, TestDefinitionNamedAgain, " +
			"TestCanceledDeletion", "shared/engine: TestDeleteFlow, TestDeletionUndone"}},
	{Says: "an execution runs the version that its qualifier names or its alias chooses, whatever " +
		"becomes of both; a number is used once, and an alias routes to what exists",
		Invariants: []string{"version response", "version number", "version kept", "alias",
			"definition kept"},
		Tests: []string{"shared/store: TestCollectVersions, TestCollectLostRequests, " +
			"TestCollectVersionMeanwhile", "shared/cloudflow: TestLostReplies, " +
			"TestPublishedTogether, TestExecutionsKeepTheirVersion, TestShares"}},
	{Says: "a bulk operation acts once on each execution that it has decided on, and says truly " +
		"how it has ended",
		Invariants: []string{"bulk response", "bulk", "bulk once", "bulk result", "bulk counts",
			"late bulk"},
		Tests: []string{"shared/cloudflow: TestBulkStop, TestBulkFilter, TestBulkStartAgain, " +
			"TestBulkRedrive, TestBulkDelete, TestBulkRights, TestBulkCancelled",
			"tests/security: TestPayloadsOfBulk"}},
	{Says: "a schedule starts an execution for each planned time, once, or names it as skipped; " +
		"nothing that was planned before a change is started after it",
		Invariants: []string{"schedule response", "schedule", "planned once", "planned early",
			"next planned time", "due before a change", "planned time started", "stray start",
			"started once for its time", "late schedule"},
		Tests: []string{"shared/cron: TestNextAgainstOracle", "shared/engine: TestScheduleFaults, " +
			"TestScheduleCatchesUp, TestScheduleChanges, TestScheduleOfDeletedFlow",
			"shared/cloudflow: TestScheduleLostReplies, TestScheduleAuthor",
			"tests/clients: TestScheduleStarts"}},
	{Says: "Express runs the same interpreter, once, within its time limit, and writes nothing",
		Invariants: []string{"Express once", "Express response", "Express leaves nothing",
			"late Express", "reference"},
		Tests: []string{"shared/engine: TestExpress, TestExpressLeftWhileComputing, " +
			"TestStoredExpressLimit", "tests/clients: TestStartSync",
			"shared/app/local: TestExpressWhileTheServerStops"}},
	{Says: "rows of an older release can be read; a row in an unknown format is left unchanged; " +
		"fields that only a newer program knows are kept",
		Tests: []string{"shared/engine: TestStored, TestStoredIsWrittenAlike, TestStoredByNewer",
			"shared/interp: TestUnknownFields, TestUnknownFieldsStep",
			"shared/store: TestNewerExecution, TestNewerHistory, TestNewerInboxEntry, " +
				"TestNewerFlow, TestNewerCatalog, TestNewerSchedule, TestFormatOfVersions, " +
				"TestNewerDeployment",
			"shared/store/pebblestore: TestRowGolden, TestUnknownRowFormat",
			"shared/store/dynamostore: TestItemGolden", "shared/store/otsstore: TestRowGolden",
			"tests/faults/versions: TestUpgrade, TestDowngrade"},
		Open: "not simulated: `make versions` runs two versions of the code side by side; rows " +
			"of each format are kept as files"},
	{Says: "everything ends when faults end, without waiting for a deadline",
		Invariants: []string{"everything ends", "late ready", "late timer", "late lease",
			"late result", "late inbox", "late outbox", "late stop", "late callback", "put off",
			"response at last"},
		Models: []string{"commit: answered", "claim: answered", "claim: ends",
			"outcome: onward", "sweep: ends", "sweep: looked"}},
	{Says: "the shards of lists and of the wake index can be raised at any time, and nothing is lost",
		Invariants: []string{"list", "everything ends"},
		Tests: []string{"shared/store: TestListShardsRaised, TestListShardOfCommit, " +
			"TestTombstoneKeepsListShards, TestWakeShards, TestWakeShardsRace, " +
			"TestWakeShardsRaised"}},
}}

// API has the promises of the API.
var API = Topic{Name: "API", Promises: []Promise{
	{Says: "responses fit one order, across processes",
		Invariants: []string{"one order", "start response", "describe response", "stop response",
			"report response"},
		Tests: []string{"tests/faults/crash: TestLinear"}},
	{Says: "a long poll returns at the end of the execution, or at its time",
		Invariants: []string{"poll", "describe response"},
		Tests: []string{"shared/engine: TestAwait, TestPollIntervals",
			"tests/clients: TestLongPoll"}},
	{Says: "lists: order, pages, nothing skipped or twice; filters by status and time",
		Invariants: []string{"list", "filter", "damaged list"},
		Tests: []string{"tests/clients: TestListExecutions, TestListFlows",
			"shared/store/pebblestore: TestConformance",
			"shared/store/dynamostore: TestCursorOfAnotherShard"},
		Open: "ListFlows has no filters"},
	{Says: "accounts divide a server's capacity: none holds more than its share, no request " +
		"that the share allows is rejected or waits, and everything is released",
		Invariants: []string{"share", "share rejected", "share by turns", "share given back"},
		Tests: []string{"shared/share: TestNewcomerFindsAsMuch, TestTurns, TestRandomUse, " +
			"TestFairQueueRandomUse, TestFairQueueTakesTurnsOfAccounts",
			"shared/app/local: TestWaitingRequestsAreShared, TestCallsAreShared",
			"shared/app: TestBoundedTasks",
			"shared/store: TestDiskUseOfOneAccount, TestRecount",
			"tests/security: TestGreedyAccount"},
		Open: "open requests, and the bytes of requests, responses and the disk, are not in " +
			"the simulation"},
	{Says: "accounts are separate in everything",
		Invariants: []string{"account", "other account", "token"},
		Tests: []string{"tests/clients: TestAccounts", "tests/security: TestAccess",
			"shared/app/cloud: TestAttack2Flood"}},
	{Says: "task tokens cannot be guessed, borrowed or used again",
		Invariants: []string{"token", "report of another attempt", "report response"},
		Tests: []string{"shared/interp: TestTokenCovers, TestParseToken",
			"tests/clients: TestBadReports"}},
	{Says: "flows act with the rights of their role or author, and no others",
		Invariants: []string{"rights"},
		Tests: []string{"shared/app/local: TestFlowsActWithRights, TestStopOfChild, " +
			"TestCallbackOfRevokedKey, TestSyncExecutionsActWithRights"}},
	{Says: "requests are authenticated; a replay undoes nothing",
		Tests: []string{"tests/clients: TestSignatures, TestTemporaryCredentials, TestPolicy",
			"shared/rpc/server: TestReplaysThatWouldUndoSomethingAreRefused, " +
				"TestAlteredRequestsAreRefused",
			"shared/app/local: TestReplayAfterRestart", "shared/app: TestNonceRows",
			"tests/security: TestAccess"},
		Open: "not simulated: the simulation calls the service without signatures"},
	{Says: "secrets reach no log, history or error",
		Tests: []string{"tests/security: TestSecretsInside, TestSecretsInMistakes, " +
			"TestSecretsInPanics, TestSecretsOfCommands", "shared/app/local: TestTokensAreMasked"},
		Open: "the history shows the parameters of a call as in the flow"},
	{Says: "unauthenticated requests and large bodies take bounded memory and connections",
		Tests: []string{"tests/security: TestLoad, TestBombs, TestPlaces, TestClaims, " +
			"TestAnswers, TestDescriptors, TestGreedyAccount", "tests/clouds: TestLimits"},
		Open: "checked with the loads of those tests only"},
}}
