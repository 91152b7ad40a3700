/*
 * outcome.pml: attempts, leases and outcomes (docs/protocol.md#calls-and-leases, docs/protocol.md#reports). One
 * execution of one task, which is tried at most twice. Runners take the attempt, call it, and run the execution on;
 * reporters report it, somebody stops it, it times out; leases run out under live runners; a message that loses its
 * races goes into the inbox.
 *
 * FLOWV1: the token names the state's entry and not the attempt (FlowV1). SYNC: the call's answer is the result.
 *
 * That somebody looks when something is to be done is sweep.pml's to show: here runners look whenever there is reason to.
 *
 * LIVE: what must happen does happen, under weak fairness: a process that can always go on does so. Every fault is bounded in
 * number: of a store that fails for ever, or a process that always dies, nothing can be promised.
 *
 * shared/engine: accept, findMark, submitAndWait, commitWithRetry, transact, messages, call, applyEffects, and the inbox. shared/interp: message, leaseReady, leaseExpired.
 */

#ifndef RUNNERS
#define RUNNERS 1
#endif
#ifndef REPORTERS
#define REPORTERS 2
#endif
#ifndef STOPPERS
#define STOPPERS 0
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 1
#endif
#ifndef EXPIRIES
#define EXPIRIES 0                   /* leases that run out under live runners */
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#ifndef BRANCHES
#define BRANCHES 1                   /* commits by another branch of the flow, which change the version alone */
#endif
#define TRIES 1                      /* conditional writes that may fail before the inbox */
#define LOOKS 1                      /* of a reporter whose message waits in the inbox */

/* Marks of what closes an attempt: callers have theirs, 1 to CALLERS; the stoppers are the last of them. */
#define CALLERS (REPORTERS + STOPPERS)
#define STOPS(m) ((m) > REPORTERS && (m) <= CALLERS)
#define FAILS(m) ((m) == 1 || (m) == TIMER)
#define TIMER 6
#define ANSWER 7

mtype = { ready, called, submitted, failing, finishing, over };

/* The state row. */
byte ver = 1;
byte att = 1;                        /* the attempt, 1 or 2 */
mtype phase = ready;                 /* failing: its error is not dealt with yet, or it pauses before the next try */
byte owner;                          /* of the lease of a called one */
byte by[3];                          /* mark of the event that has closed attempt 1, 2; 0: that of a stop */
bit ended;
#define CLOSED(a) (ended || (a) > 0 && by[a] != 0)

/* Inbox rows: the mark of who has put it, by the id in the token, and the attempt that it is for. 0: b#<run>#stop. */
byte box[3];
byte boxFor[3];
#ifdef FLOWV1
#define PLACE(a) ((a) > 0 -> 1 : 0)  /* the token, and with it the row's key, are those of the entry */
#else
#define PLACE(a) (a)
#endif

byte fly[RUNNERS + 1];               /* the attempt that a runner has in flight */
byte held[RUNNERS + 1];              /* the attempt whose answer a runner holds */
byte lateVer;                        /* the write of a report that the store carries out after it was given up; 0 for none */
byte lateBy;
byte lateAtt;
byte crashes = CRASHES;
byte unknowns = UNKNOWNS;
byte expiries = EXPIRIES;
byte timeouts = TIMEOUTS;
byte branches = BRANCHES;

/* For the checks alone. */
bit out[3];                          /* the attempt has been called, so that its token is out */
bit spent[3];                        /* a lease of the attempt has run out while its call went on */
bit answered[3];                     /* a live runner has had the answer of the attempt's call */
byte counts[CALLERS + 1];            /* how often the message of a caller has closed something */
bit accepted[CALLERS + 1];
bit refused[CALLERS + 1];
#ifdef LIVE
byte asking;                         /* callers that wait for an answer */
#define ASK asking++
#define ANSWERED asking--
/* What changes nothing is no commit: else a caller that looks for ever would come through all versions. */
#define REMEMBER oldPhase = phase; oldAtt = att
#define CHANGED (phase != oldPhase || att != oldAtt)
#define FORGET oldPhase = 0; oldAtt = 0
#else
#define REMEMBER skip
#define CHANGED true
#define FORGET skip
#define ASK skip
#define ANSWERED skip
#endif

/* A commit that closes attempt a, or for 0 the execution, by mark m. */
inline close(a, m) {
	assert(!ended);                                  /* a final status never changes */
	assert(a == 0 || a == att && by[a] == 0);        /* an attempt is closed once */
	by[a] = m;
	if
	:: m <= CALLERS -> counts[m]++; assert(counts[m] == 1)  /* a message counts once */
	:: else
	fi;
	if
	:: a == 0 -> ended = 1; phase = over
	:: a != 0 && FAILS(m) -> phase = failing
	:: a != 0 && !FAILS(m) -> phase = finishing
	fi;
	owner = 0
}

/* The next version: what waits for the old one will not be carried out. */
inline next() {
	ver++;
	lateVer = 0; lateBy = 0; lateAtt = 0
}

/* What a runner makes of the row that it has loaded, its messages first. */
inline step(me) {
	d_step {
		took = 0;
		REMEMBER;
		if
		:: held[me] != 0 && held[me] == att && !ended && by[att] == 0 && (phase == called || phase == ready) ->
#ifdef SYNC
			close(att, ANSWER)
#else
			phase = submitted; owner = 0
#endif
		:: else
		fi;
		if
		:: sees[0] != 0 && !ended -> close(0, sees[0])
		:: else
		fi;
		if
#ifdef MUT_INBOX_NAMES_ENTRY
		:: sees[PLACE(att)] != 0 && !ended && by[att] == 0 -> close(att, sees[PLACE(att)])
#else
		:: sees[PLACE(att)] != 0 && seesFor == att && !ended && by[att] == 0 -> close(att, sees[PLACE(att)])
#endif
		:: else
		fi;
		if
#ifdef MUT_RENEW_THE_LEASE
		:: lapse && phase == called -> owner = me
#else
		:: lapse && phase == called -> phase = ready; owner = 0
#endif
		:: else
		fi;
		if
		:: late && !ended && by[att] == 0 -> close(att, TIMER)
		:: else
		fi;
		/* run on */
		if
#ifndef MUT_PAUSE_ANEW
		:: phase == failing && att == 1 -> att = 2; phase = ready
#endif
		:: phase == failing && att == 2 -> ended = 1; phase = over
		:: phase == finishing -> ended = 1; phase = over
		:: else
		fi;
		if
		:: phase == ready -> phase = called; owner = me; took = att
		:: else
		fi;
		if
		:: CHANGED || took != 0 -> next()
		:: else
		fi;
		FORGET
	}
}

/* Something is to be done by the next who looks. */
#define WORK (phase == ready || phase == failing || phase == finishing || box[0] != 0 || box[1] != 0 || box[2] != 0)
/* The lease is over: nobody can be at the call any more. */
#define DEADLEASE (phase == called && fly[owner] != att && held[owner] != att)

/* Calls attempt a, which the row gives to this runner. */
inline take(a) {
	/* nobody else has it, and no live runner has had its answer, unless its lease has run out */
	assert(spent[a] || !answered[a] && (RUNNERS == 1 || fly[RUNNERS + 1 - me] != a && held[RUNNERS + 1 - me] != a));
	fly[me] = a; out[a] = 1
}

/* The process dies, and with it what it had in flight and what it held. */
inline die() {
	stepped = 0;
	if
	:: held[me] != 0 -> answered[held[me]] = 0
	:: else
	fi;
	fly[me] = 0; held[me] = 0
}

inline loadInbox() {
	sees[0] = box[0]; sees[1] = box[1]; sees[2] = box[2];
	seesFor = boxFor[PLACE(att)]
}

inline dropInbox() {
	if
	:: sees[0] != 0 -> box[0] = 0; boxFor[0] = 0
	:: else
	fi;
	if
	:: sees[1] != 0 -> box[1] = 0; boxFor[1] = 0
	:: else
	fi;
	if
	:: sees[2] != 0 -> box[2] = 0; boxFor[2] = 0
	:: else
	fi
}

proctype Runner(byte me) {
	byte v, took;
	byte sees[3];                        /* the inbox as it was loaded */
	byte seesFor;
	bit lapse, late, stepped;
#ifdef LIVE
	mtype oldPhase;
	byte oldAtt;
#endif
end:
	do
	:: atomic { WORK || DEADLEASE || held[me] != 0 ->
		v = ver;
		loadInbox();
		if
		:: DEADLEASE -> lapse = 1
		:: else
		fi };
		goto commit
	:: atomic { phase == called && owner != me && expiries > 0 && !ended -> expiries--; lapse = 1; spent[att] = 1; v = ver;
		loadInbox() };
		goto commit
#ifdef MUT_TAKE_WHILE_LEASED
	:: atomic { phase == called && owner != me && !ended -> lapse = 1; v = ver };
		goto commit
#endif
	:: atomic { (phase == called || phase == submitted) && timeouts > 0 && !ended -> timeouts--; late = 1; v = ver };
		goto commit
	:: atomic { fly[me] != 0 ->           /* the call is answered */
		held[me] = fly[me]; answered[held[me]] = 1; fly[me] = 0 }
	:: atomic { fly[me] != 0 && (ended || by[fly[me]] != 0) -> fly[me] = 0 }  /* cut: nobody waits for it */
	:: atomic { crashes > 0 && (fly[me] != 0 || held[me] != 0) -> crashes--; die() }
	od;

commit:
#ifdef MUT_CALL_BEFORE_COMMIT
	atomic {
		if
		:: phase == ready && ver == v && fly[me] == 0 -> take(att)
		:: else
		fi
	};
#endif
	if
	:: atomic { ver == v ->
		step(me);
		stepped = 1;
		if
		:: held[me] != 0 && (ended || by[held[me]] != 0 || phase == submitted) -> held[me] = 0
		:: else
		fi;
		if
		:: took != 0 ->              /* call what was taken */
			take(took)
		:: else
		fi;
		took = 0 }
	:: atomic { ver == v && unknowns > 0 -> unknowns--; step(me); took = 0 }
	:: atomic { ver == v && crashes > 0 -> crashes--; step(me); took = 0; die() }
	:: atomic { ver != v ->
#ifdef MUT_DROP_RESULT
		held[me] = 0
#else
		skip
#endif
		}
	:: atomic { crashes > 0 -> crashes--; die() }
	fi;

	/* Inbox rows that have been applied, or came too late, are deleted. */
	if
#ifdef MUT_KEEP_LATE_ENTRIES
	:: atomic { stepped && !ended && (sees[0] != 0 || sees[1] != 0 || sees[2] != 0) -> dropInbox() }
#else
	:: atomic { stepped && (sees[0] != 0 || sees[1] != 0 || sees[2] != 0) -> dropInbox() }
#endif
	:: else
	fi;
	atomic {
		if
		:: held[me] != 0 && CLOSED(held[me]) -> held[me] = 0
		:: else
		fi;
		lapse = 0; late = 0; v = 0; stepped = 0; sees[0] = 0; sees[1] = 0; sees[2] = 0; seesFor = 0;
		goto end
	}
}

/* Whether a mark stands in the history. */
#define MARKED(m) (by[0] == m || by[1] == m || by[2] == m)

#define ENTRYCLOSED (ended || phase == finishing)

/* A look at the state. In FlowV1 the message is made one for the attempt that is open then, once and for all. */
inline load() {
#ifdef FLOWV1
#ifdef MUT_TOKEN_AGAIN
	if
	:: !STOPS(me) -> a = 0
	:: else
	fi;
#endif
	if
	:: !STOPS(me) && a == 0 && !ENTRYCLOSED && phase == failing -> goto unknown   /* a pause before the next try */
	:: !STOPS(me) && a == 0 && !(!ENTRYCLOSED && phase == failing) -> a = att
	:: else
	fi;
#endif
	if
	:: CLOSED(a) -> goto closed
	:: else
	fi
}

/* Brings a report, or a stop. */
proctype Caller(byte me) {
	byte v, a, tries;

	/* A reporter has a token when the attempt has been called. */
	atomic {
		if
		:: STOPS(me)
		:: !STOPS(me) && out[1] -> a = 1
		:: !STOPS(me) && out[2] -> a = 2
		:: !STOPS(me) && ended && !out[1] -> ASK; goto finished
		fi;
		ASK;
#ifdef FLOWV1
		a = 0
#endif
	};
again:
	atomic {
		load();
		v = ver
	};
	if
	:: atomic { ver == v -> close(a, me); next(); goto ok }
	:: atomic { ver == v && unknowns > 0 -> unknowns--; close(a, me); next(); tries++ }
	:: atomic { ver == v && unknowns > 0 && lateVer == 0 -> unknowns--; lateVer = v; lateBy = me; lateAtt = a; tries++ }
	:: atomic { ver == v && crashes > 0 -> crashes--; close(a, me); next(); goto finished }
	:: atomic { ver != v -> tries++ }
	fi;
	if
	:: tries <= TRIES -> goto again
	:: else
	fi;

	/* The inbox, for what has lost its races. */
	atomic { load() };
	if
	:: atomic { box[PLACE(a)] == 0 -> box[PLACE(a)] = me; boxFor[PLACE(a)] = a }
	:: atomic { box[PLACE(a)] == 0 && crashes > 0 -> crashes--; box[PLACE(a)] = me; boxFor[PLACE(a)] = a; goto finished }
#ifdef MUT_OTHERS_ENTRY_IS_DONE
	:: atomic { box[PLACE(a)] != 0 -> goto refuse }
#else
	:: atomic { box[PLACE(a)] != 0 -> skip }       /* another's: being there is not being accepted */
#endif
	fi;
#ifdef MUT_LETTER_IS_DONE
	goto ok;
#endif
	tries = 0;
	do
#ifdef MUT_WAIT_FOR_THE_MARK
	:: atomic { MARKED(me) -> goto ok }
	:: atomic { !MARKED(me) -> skip }
#else
	:: atomic { CLOSED(a) -> goto closed }
#endif
	:: atomic { !CLOSED(a) && tries < LOOKS -> tries++ }
	:: atomic { tries >= LOOKS -> break }
	od;
	/* Still open: take it back, and look once more. */
	atomic {
		if
		:: box[PLACE(a)] == me -> box[PLACE(a)] = 0; boxFor[PLACE(a)] = 0
		:: else
		fi
	};
	atomic {
		if
		:: CLOSED(a) -> goto closed
		:: else -> goto unknown
		fi
	};

closed:
	atomic {
		if
#ifndef MUT_NO_MARKS
		:: MARKED(me) -> goto ok
#endif
#ifdef FLOWV1
		:: !MARKED(me) && !ENTRYCLOSED && !STOPS(me) -> goto unknown   /* its task is tried again: come again */
#endif
		:: else
		fi
	};
refuse:
	atomic {
		assert(CLOSED(a));                             /* rejected: the attempt is closed */
		assert(counts[me] == 0);                       /* rejected: the message has not counted */
		refused[me] = 1;
		goto finished
	};
ok:
	atomic { assert(counts[me] == 1 && MARKED(me)); accepted[me] = 1 };   /* accepted: the message has counted */
unknown:                                                       /* try again: nothing is claimed */
finished:
	atomic { v = 0; a = 0; tries = 0; ANSWERED }
}

/* The store carries out, or drops, the write that a caller has given up. Another branch goes on. */
proctype World() {
end:
	do
	:: atomic { lateVer != 0 ->
		if
		:: assert(ver == lateVer); close(lateAtt, lateBy); next()
		:: lateVer = 0; lateBy = 0; lateAtt = 0
		fi }
	:: atomic { branches > 0 && !ended -> branches--; next() }
	od
}

proctype End() {
	byte m;
end:
	atomic {
		timeout;
		assert(ended || phase == submitted);             /* all but a task that waits for a report is done */
		assert(box[0] == 0 && box[1] == 0 && box[2] == 0);   /* no row is left */
		for (m : 1 .. CALLERS) {
			assert(!accepted[m] || counts[m] == 1);
			assert(!refused[m] || counts[m] == 0)
		}
	}
}

init {
	byte i;
	atomic {
		for (i : 1 .. RUNNERS) { run Runner(i) };
#if CALLERS > 0
		for (i : 1 .. CALLERS) { run Caller(i) };
#endif
		i = 0;
		run World();
		run End()
	}
}

#ifdef LIVE
/* Each sender of a message is answered. */
ltl answered { []<> (asking == 0) }
/* What lies in the inbox is taken in, or dropped. */
ltl inboxEntries { [] (box[1] != 0 -> <> (box[1] == 0)) }
/* A call whose caller is gone is called again. */
ltl again { [] (DEADLEASE -> <> !DEADLEASE) }
/* What is ready is called, what has failed is tried again or fails its execution. */
ltl onward { [] (phase == ready || phase == failing || phase == finishing -> <> (phase == called || phase == submitted || phase == over)) }
#endif
