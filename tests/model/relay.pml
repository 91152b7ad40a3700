/*
 * relay.pml: what follows from a commit (docs/protocol.md#outbox-and-relay): calls, the outbox and its relay. A task of
 * a parent starts an execution and waits for its end; it is tried at most twice, each time with a child of its own. It
 * times out, and then stops its child. RELAYS processes run the children and relay their ends, so an end may be brought
 * twice, and late.
 *
 * A commit is one step here, with an answer that may be lost: how it comes about is commit.pml's and outcome.pml's to show.
 *
 * LIVE: what must happen does happen, under weak fairness: a process that can always go on does so. Every fault is bounded in
 * number: of a store that fails for ever, or a process that always dies, nothing can be promised.
 *
 * A child's end is for the attempt that has started it, in both dialects: in FlowV1 its token would not say so.
 *
 * shared/engine: call, StartChild, startedBy, relay, deliver, stopChild, report. shared/interp: end, enqueueCallback, enqueueStopChild, delivered.
 */

#ifndef RELAYS
#define RELAYS 2
#endif
#ifndef CRASHES
#define CRASHES 2
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 2
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 1
#endif
#define TRIES 2                      /* looks for a child to stop that is not there (yet) */

#define TIMER 3
#define STOPPED 3

mtype = { ready, called, submitted, failing, finishing, over };
mtype = { absent, running, ended };

/* The parent's state row. */
byte att = 1;
mtype phase = ready;
byte by[3];                          /* what has closed attempt 1, 2: the end of a child, or the timer */
bit stop[3];                         /* outbox: the child of the attempt is to be stopped */
byte stopTries[3];
#define OPEN(a) (att == (a) && by[a] == 0 && (phase == ready || phase == called || phase == submitted))

/* The state rows of the children, by the attempt that starts them. */
mtype child[3] = absent;
byte came[3];                        /* to what: 1 success, 2 failure, STOPPED */
bit box[3];                          /* outbox: the end is to be reported */

byte flight;                         /* the attempt whose call is in flight: its start may still come */
bit alive;                           /* the process that has it in flight */
byte crashes = CRASHES;
byte unknowns = UNKNOWNS;
byte timeouts = TIMEOUTS;

/* For the checks alone. */
byte reported[3];                    /* how often the end of a child has counted */

inline close(a, m) {
	assert(phase != over && by[a] == 0);             /* an attempt is closed once, and an end is for ever */
	by[a] = m;
	if
	:: m != TIMER ->
		assert(m == a);                          /* by the end of its own child */
		assert(child[m] == ended);               /* which has been committed */
		reported[m]++; assert(reported[m] == 1)  /* and which counts once */
	:: else -> stop[a] = 1; stopTries[a] = 0
	fi;
	if
	:: m != TIMER && came[m] == 1 -> phase = finishing
	:: else -> phase = failing
	fi
}

/* The commit of a child's end, the report of it in its outbox. */
inline endChild(c, what) {
	assert(child[c] == running);
	child[c] = ended; came[c] = what;
#ifndef MUT_FORGET_OUTBOX
	box[c] = 1
#endif
}

inline stopOne(c) {
	if
#ifdef MUT_STOP_WHAT_NEVER_COMES
	:: atomic { child[c] == absent }
#endif
	:: atomic { child[c] == absent && stopTries[c] < TRIES -> stopTries[c]++ }
	:: atomic { child[c] == absent && stopTries[c] >= TRIES -> stop[c] = 0 }
	:: atomic { child[c] == ended -> stop[c] = 0 }
	:: atomic { child[c] == running -> endChild(c, STOPPED);
		if
		:: stop[c] = 0
		:: crashes > 0 -> crashes--
		:: unknowns > 0 -> unknowns--
		fi }
	:: atomic { child[c] == running && unknowns > 0 -> unknowns-- }
	fi;
	c = 0
}

proctype Parent() {
	byte a;
end:
	do
	/* Taken, committed, then called. */
	:: atomic { phase == ready ->
		phase = called;
		if
		:: flight = att; alive = 1
		:: crashes > 0 -> crashes--
		fi }
	:: atomic { flight != 0 && alive ->      /* the call: it starts the child, or finds the one that it has started */
		a = flight;
		if
		:: child[a] == absent -> child[a] = running
		:: child[a] != absent
		fi;
		if
		:: OPEN(a) && phase == called -> phase = submitted
		:: else
		fi;
		flight = 0; alive = 0; a = 0 }
	:: atomic { flight != 0 && alive && crashes > 0 -> crashes--; alive = 0 }
	:: atomic { flight != 0 && !alive ->     /* of a dead process: sent, and carried out late, or not */
		if
		:: child[flight] == absent -> child[flight] = running
		:: true
		fi;
		flight = 0 }
	:: atomic { phase == called && (flight != att || !alive) -> phase = ready }   /* the lease is over */
	:: atomic { OPEN(att) && phase != ready && timeouts > 0 -> timeouts--; close(att, TIMER) }
	:: atomic { phase == failing && att == 1 -> att = 2; phase = ready }
	:: atomic { phase == failing && att == 2 -> phase = over }
	:: atomic { phase == finishing -> phase = over }
	/* The outbox: stop the child, then say so. */
	:: atomic { stop[1] -> a = 1 }; stopOne(a)
	:: atomic { stop[2] -> a = 2 }; stopOne(a)
	od
}

/* The report of a child's end at the parent. */
inline report(c) {
#ifdef MUT_END_NAMES_ENTRY
	if
	:: OPEN(att) -> close(att, c)
#else
	if
	:: OPEN(c) -> close(c, c)
#endif
	:: else
	fi
}

inline runOne(c) {
#ifdef MUT_RELAY_BEFORE_COMMIT
	atomic { report(c) };
#endif
	if
	:: atomic { child[c] == running -> endChild(c, 1) }
	:: atomic { child[c] == running -> endChild(c, 2) }
	:: atomic { child[c] != running }       /* lost: somebody else was faster */
	fi;
	c = 0
}

inline relayOne(c) {
#ifdef MUT_CLEAR_BEFORE_RELAY
	box[c] = 0;
	if
	:: atomic { crashes > 0 -> crashes--; goto end }
	:: true
	fi;
#endif
	if
#ifdef MUT_BRING_WHAT_IS_REFUSED
	:: atomic { OPEN(c) -> report(c) }
	:: atomic { !OPEN(c) -> c = 0; goto end }
#else
	:: atomic { report(c) }
#endif
	:: atomic { unknowns > 0 -> unknowns--; report(c); c = 0; goto end }    /* not told: once more */
	:: atomic { unknowns > 0 -> unknowns--;
#ifdef MUT_TAKE_FOR_DELIVERED
		box[c] = 0;
#endif
		c = 0; goto end }
	:: atomic { crashes > 0 -> crashes--; report(c); c = 0; goto end }
	fi;
	/* Delivered, or refused for good: the entry is cleared by a commit of its own. */
	if
	:: atomic { true -> box[c] = 0 }
	:: atomic { unknowns > 0 -> unknowns-- }
	:: atomic { crashes > 0 -> crashes-- }
	fi;
	c = 0
}

/* Runs children and relays their ends. */
proctype Relay() {
	byte c;
end:
	do
	:: atomic { child[1] == running -> c = 1 }; runOne(c)
	:: atomic { child[2] == running -> c = 2 }; runOne(c)
	:: atomic { box[1] -> c = 1 }; relayOne(c)
	:: atomic { box[2] -> c = 2 }; relayOne(c)
	od
}

proctype End() {
end:
	atomic {
		timeout;
		assert(phase == over);                           /* every execution has ended */
		assert(child[1] != running && child[2] != running);
		assert(!box[1] && !box[2] && !stop[1] && !stop[2])   /* with nothing left to send */
	}
}

init {
	byte i;
	atomic {
		run Parent();
		for (i : 1 .. RELAYS) { run Relay() };
		i = 0;
		run End()
	}
}

#ifdef LIVE
/* What stands in the outbox is delivered, or dropped once its target has ended or does not come. */
ltl delivered { [] (box[1] -> <> !box[1]) }
ltl stops { [] (stop[1] -> <> !stop[1]) }
#endif
