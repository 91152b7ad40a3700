package promises

// Invariants lists all checks of the simulation. A failure begins with the name of one of them.
var Invariants = []Invariant{
	// Rows.
	{"claimed once", "a name is claimed anew only when the execution that had it has expired"},
	{"claim stays", "no commit changes what the claim has fixed"},
	{"next version", "each commit adds one to the version of the row"},
	{"final status", "a final status, its time, its error and its last event change only by a " +
		"redrive"},
	{"redriven", "another life of an execution begins only if it has ended without success and a " +
		"client has asked for that life; its deadline counts from then, no row of it expires " +
		"before it, and no report of an earlier life counts"},
	{"counts once", "a message takes effect in one commit, and in no other"},
	{"marked", "a message from outside carries a mark by which its sender recognizes it"},
	{"history", "the history has no gap, only grows, and ends with the event that the row names"},
	{"legal history", "the history follows the rules of the dialect (`historycheck.Check`)"},
	{"written once", "a row of the history or of a value is never written again with other bytes"},
	{"readable", "every row that was written can be read again"},
	{"every row expires", "every row of an execution has an expiry"},
	{"kept until it expires", "no state row is removed before it expires"},
	{"retention", "an ended execution is kept for as long as its retention says, unless it is " +
		"deleted"},
	{"deleted", "an execution is deleted only if it has ended, has reported its end, and a client " +
		"has asked for that; its claim stays, its values do not, and nothing of it comes back"},
	{"nothing left", "when every execution has expired, no row is left"},
	{"definition kept", "a definition is kept as long as its flow or an execution needs it"},
	{"version number", "no number of a version is used twice"},
	{"version kept", "a version is what the flow was when it was published; the rows of versions " +
		"and aliases stay as long as their flow names them"},
	{"alias", "an alias routes only to versions that exist"},
	{"deleted flow", "an execution of a deleted flow is stopped within five minutes"},
	{"inbox row", "an inbox entry has a wake time, and is put off no more than once"},
	{"poison count", "an execution counts as poison only after as many failed attempts to " +
		"process it as the protocol says"},
	// What executions do.
	{"straight run", "a commit has the result of an interpreter that runs the same messages in " +
		"memory, without interruption"},
	{"reference", "an independent model of both dialects allows the history, the inputs of task " +
		"calls, and which children were stopped"},
	{"example result", "an example ends as in the flow tester, if neither time nor a fault " +
		"decides the result"},
	{"open iterations", "no more iterations of a Map are open than allowed"},
	{"attempts", "a task is tried again when a rule of its Retry says so, and no more often"},
	{"early", "waits, retry intervals and timeouts do not end before their time"},
	{"no panic", "the interpreter never panics"},
	{"limit", "the body stays within its limit; input and reports are rejected if they are too " +
		"large, and only then"},
	{"limit of events", "no execution has more events than allowed, except closing events"},
	{"limit of data", "no event has more data than allowed"},
	{"limit of calls", "a process has no more calls of an execution in flight than allowed"},
	{"limit of executions", "a process that owns its store starts no more executions of an " +
		"account than may run at once"},
	// Calls.
	{"durable call", "a call begins only when a durable row names the process that makes it as " +
		"the owner"},
	{"one caller", "no process begins a call that another process has taken over"},
	{"one call at a time", "no process repeats a call that a live process is making, unless the " +
		"lease has expired"},
	{"call within its lease", "no call begins after its lease has expired"},
	{"result kept", "no process repeats a call if a live process has its result, unless the " +
		"lease has expired"},
	{"lease", "no lease is longer or shorter than its bound"},
	// Children and outbox.
	{"origin", "an attempt starts one execution, however often the start is retried"},
	{"MapRun items", "a MapRun that has succeeded has worked on each item of its object once"},
	{"MapRun results", "the files of a MapRun that has succeeded have the result of each child once"},
	{"MapRun counts", "the counts of a MapRun add up, never fall, and count no child twice"},
	{"MapRun tolerance", "a MapRun that goes on, or has succeeded, tolerates its failures"},
	{"MapRun concurrency", "no more children run than their MapRun allows; after an update that " +
		"allows fewer, none begins until enough have ended"},
	{"MapRun advances", "a MapRun that may start a child starts it at once, also by an update"},
	{"MapRun update", "an accepted update is in the row and in every description from then on; " +
		"only a MapRun that has ended rejects one"},
	{"MapRun stops", "the commit that ends a MapRun stops each child that runs"},
	{"same child", "an Express child that runs again has the run of before, so its calls have " +
		"the same keys"},
	{"own child", "a task waits only for an execution that it started itself"},
	{"own name", "the start of a child is never rejected because of the child that the same " +
		"task has started"},
	{"stopped namesake", "a child is stopped as unneeded only if no task waits for it"},
	{"orphan", "when an attempt ends other than by the end of its child, the same commit puts " +
		"the stop of the child into the outbox"},
	{"child end", "the result of a task that waits for a child is that of its child: status, output, " +
		"error"},
	{"sent", "an outbox entry is removed only after its delivery: the child is stopped, the " +
		"callback has closed its attempt"},
	{"callback arrives", "a callback arrives before its task or execution times out, if that is " +
		"at least five minutes after the end"},
	// Bounds on delays.
	{"late ready", "an execution that is ready goes on within a sweep and its margin"},
	{"heard", "in functions, an execution that is ready has an invocation working on it, or a " +
		"hint in flight"},
	{"late timer", "waits, retry intervals and timeouts end within a sweep and its margin"},
	{"late lease", "a call whose process has died is repeated within the lease, its margin and " +
		"a sweep"},
	{"late result", "the result of a call is committed within seconds, while its process lives"},
	{"late inbox", "every inbox entry is taken or dropped in time"},
	{"late outbox", "every outbox entry leaves the outbox, and is postponed no longer than its " +
		"backoff"},
	{"late stop", "a child is stopped in time if no task waits for it any more"},
	{"late callback", "the end of a child, or of an execution with a callback token, reaches " +
		"the waiting task in time"},
	{"put off", "a due execution is processed, and postponed no longer than the backoff of sweeps"},
	{"poll", "a long poll returns neither early nor more than 3 s after its time or the end of " +
		"the execution"},
	{"invocation", "an invocation of a function ends within its timeout"},
	{"wake", "the wake time of a row is no later than its earliest need, by definition and " +
		"history"},
	{"wake of the interpreter",
		"the wake time of a row is no later than that of the interpreter, which includes leases " +
			"and the outbox"},
	{"everything ends", "when faults end, every execution ends, and its outbox is empty"},
	// Responses.
	{"one order", "responses fit an order in which each request happens at one moment between " +
		"request and response"},
	{"start response", "a StartExecution that succeeded has started an execution; " +
		"ExecutionAlreadyExists is returned for ended ones only"},
	{"same request", "a repeated request without a name returns the execution that it started; " +
		"another request never does"},
	{"describe response", "a final status in a response is the execution's, and never changes"},
	{"history response", "the API returns the stored history, also while it grows"},
	{"stop response", "an execution with an accepted stop ends by that stop; a stop is rejected " +
		"only if the execution has ended"},
	{"redrive response", "an execution that a RedriveExecution has redriven was redriven that " +
		"often; one is rejected only if it runs, or cannot go on"},
	{"found", "an execution is found by the search keys and the source of its start, for good, and " +
		"by a state that led to its failure"},
	{"find", "a search has every execution that matches, once, and no other; a page token is taken " +
		"with its own filters alone"},
	{"delete response", "an execution that a DeleteExecution has deleted is gone; one is " +
		"rejected only while the execution runs or still reports its end"},
	{"report response", "an accepted report is the event that the response names, and that of no " +
		"other report; a report is rejected only if its task is closed"},
	{"report of another attempt", "an accepted report has closed the attempt of its token"},
	{"flow response", "CreateFlow, UpdateFlow and DeleteFlow return the flow as it is"},
	{"definition at the start",
		"an execution runs the definition that the flow had when it was started"},
	{"version response", "what is published, routed, listed and deleted is what the responses say; " +
		"an execution that is started with a qualifier runs the version that it names, or that " +
		"its alias chooses for the name"},
	{"response at last", "a client that retries gets its response when faults end"},
	{"list", "a list is in order, has everything that existed all the time, and has nothing twice"},
	{"filter", "each row of a filtered list matches the filters, and no row that matches all " +
		"the time is missing"},
	{"damaged list", "a damaged execution does not prevent the list of its flow's other " +
		"executions"},
	// Schedules.
	{"schedule response", "the operations on schedules return the schedule as it is"},
	{"schedule", "only a request changes what a schedule is, and only a request or the deletion " +
		"of its flow removes it"},
	{"planned once", "what becomes of a planned time is decided once: of several that have come " +
		"the latest is started, if it is not too long past, and the others are skipped"},
	{"planned early", "nothing is decided about a planned time before it has come"},
	{"next planned time", "a schedule that is created, enabled or changed plans the first time " +
		"from then on"},
	{"due before a change", "a change or a deletion of a schedule drops no planned time that " +
		"came before the request"},
	{"planned time started", "a planned time that was decided is done with only when its " +
		"execution was started, or its start was rejected"},
	{"stray start", "a schedule starts nothing but the planned time that is decided and not done " +
		"with"},
	{"started once for its time", "a planned time starts one execution, whose name says the time"},
	{"late schedule", "a due schedule is seen to within a sweep and its margin"},
	{"bulk response", "the operations on bulk operations do what they are asked"},
	{"bulk", "a bulk operation goes on from where it was, and is done with a batch only when each " +
		"execution of it has a result"},
	{"bulk once", "a bulk operation starts an execution again only after that was decided, and once"},
	{"bulk result", "what a bulk operation says of an execution has happened to it, by this " +
		"operation, and nothing else has"},
	{"bulk counts", "the counts of a bulk operation that has ended are those of its results, and " +
		"all that it has started has ended"},
	{"late bulk", "a due bulk operation is seen to within a sweep and its margin"},
	// Express executions.
	{"Express once", "a StartSyncExecution runs one execution, once, in the process that gets " +
		"the request"},
	{"Express response", "the response of a StartSyncExecution has the result of its execution: " +
		"status, output, error, times"},
	{"Express leaves nothing",
		"an Express execution with a waiting caller writes no row and sends no hint, and has no " +
			"call in flight when the response is sent"},
	{"late Express", "the response of an Express execution is sent within 3 s of its time limit"},
	// Two owners, and shares.
	{"two owners", "with two owners of one flow, each response is true at some moment of its " +
		"request; an accepted change was written then, a rejected one never, and neither owner " +
		"undoes a change of the other"},
	{"share", "no account holds more than its share, nor all of them more than there is"},
	{"share rejected", "no request is rejected or kept waiting if the account's share allows it"},
	{"share by turns", "an account that waits for calls and has none is not skipped again and " +
		"again"},
	{"share given back", "no request holds a processor while it waits, and when all work has " +
		"ended everything is released: capacity, places in queues, bytes of responses"},
	// Accounts and rights.
	{"account", "an execution belongs to the account of its flow and of its parent"},
	{"other account", "an account never sees, starts, stops or ends an execution of another " +
		"account"},
	{"token", "forged, borrowed and stale tokens are rejected with the documented code"},
	{"rights", "a flow starts, stops and reports only what its role or author may, and is " +
		"rejected only if a right is missing"},
}
