/*
 * claim.pml: the start of an execution (docs/protocol.md#start) and the end of its rows (docs/protocol.md#expiry).
 * STARTERS callers start the same name. A claim is one create-if-absent-or-expired of the state row, after its large
 * value has been put. Engines advance and end what runs; what has ended expires, is swept, and its name is claimed
 * anew.
 *
 * LIVE: what must happen does happen, under weak fairness: a process that can always go on does so. Every fault is bounded in
 * number: of a store that fails for ever, or a process that always dies, nothing can be promised.
 *
 * shared/engine: StartExecution, claim, transact, sendReplies, wakeTime. shared/store: Create, writer.wakeClaimValues, DeleteExpiredExecution, DeleteExpiredRow.
 */

#ifndef STARTERS
#define STARTERS 3
#endif
#ifndef ENGINES
#define ENGINES 1
#endif
#ifndef RUNS
#define RUNS 4                       /* incarnations that are ever drawn, at least 4 */
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 1
#endif
#ifndef EXPIRIES
#define EXPIRIES 1                   /* while somebody still starts; at the end everything expires */
#endif

/* Starters 1 and 2 are two calls of one attempt of a task: they have the same origin. The others come from outside. */
#define SAME(s, t) ((s) == (t) || ((s) <= 2 && (t) <= 2))

mtype = { absent, running, ended };

/* The state row. */
mtype status = absent;
bit expired;
byte life;                           /* run: incarnation */
byte ver;
byte claimed;                        /* token of its creator: no commit changes it */
#define FREE (status == absent || expired)

/* The rows beside it: a value that the claim of a run puts, and a row of its history, which says whose it is. */
bit value[RUNS + 1];
bit over[RUNS + 1];                  /* the time of these rows is over, too: later than that of a run which ended early */
byte wakeOf;                         /* once expired, the row wakes when those of this run have, too; 0: at once */
#define DUE (status != absent && expired && (wakeOf == 0 || over[wakeOf]))
byte hist[RUNS + 1];
#ifdef MUT_NO_RUN_IN_KEYS
#define KEY(r) 0
#else
#define KEY(r) (r)
#endif

byte runs;                           /* drawn so far */
byte maker[RUNS + 1];                /* who has drawn it */
bit late[RUNS + 1];                  /* creates that the store carries out, or drops, after their caller gave them up */
byte crashes = CRASHES;
byte unknowns = UNKNOWNS;
byte expiries = EXPIRIES;
byte looks = 1;                      /* times that an index shows as expired what is not, or is not any more */
byte busy;                           /* requests and puts under way, which take less than it takes to expire */
byte starting = STARTERS;
byte told[RUNS + 1];                 /* for the checks: who was told that he has started this run */

inline create(r) {
	assert(FREE);                        /* a name is claimed once */
	status = running; expired = 0; wakeOf = 0; life = r; ver = 1; claimed = maker[r]; late[r] = 0
}

proctype Starter(byte me) {
	byte r;                              /* drawn for the create under way */
	bit at;                              /* counted as busy */
again:
	atomic {
		if
		:: !at -> at = 1; busy++
		:: else
		fi;
		if
		:: runs < RUNS -> runs++; r = runs; maker[r] = me
		:: else -> goto unanswered
		fi
	};
#ifndef MUT_VALUE_AFTER_CLAIM
	if
	:: value[r] = 1
	:: atomic { crashes > 0 -> crashes--; goto unanswered }
	fi;
#endif
	if
	:: atomic { FREE -> create(r); goto created }
	:: atomic { FREE && unknowns > 0 -> unknowns--; create(r); goto lost }     /* also: the client library repeats it, and loses */
	:: atomic { FREE && crashes > 0 -> crashes--; create(r); goto unanswered }
	:: atomic { unknowns > 0 -> unknowns--; late[r] = 1; goto lost }
	:: atomic { crashes > 0 -> crashes--; goto unanswered }
#ifdef MUT_CLAIM_WHAT_IS_THERE
	:: atomic { !FREE -> create(r); goto created }
#else
	:: atomic { !FREE -> goto lost }
#endif
	fi;

lost:   /* lost or unknown: the row says whose it is */
	atomic {
		r = 0;
		if
		:: FREE -> goto again
#ifndef MUT_NO_READ_BACK
		:: !FREE && claimed == me -> r = life; goto created
#endif
#ifndef MUT_NO_ORIGIN
		:: !FREE && claimed != me && claimed != 0 && SAME(claimed, me) -> goto unanswered   /* the same start: this run it is */
#endif
		:: else ->
			assert(!SAME(maker[life], me));   /* no starter's own start counts as another one */
#ifdef MUT_WAIT_FOR_THE_NAME
			goto lost;
#endif
			goto unanswered                  /* it runs already, or has ended already */
		fi
	};

created:
#ifdef MUT_VALUE_AFTER_CLAIM
	if
	:: value[r] = 1
	:: atomic { crashes > 0 -> crashes--; goto unanswered }
	fi;
#endif
	atomic {
		assert(maker[r] == me && told[r] == 0);  /* of a run its maker is told that he has started it, once */
		told[r] = me
	};

unanswered:
	atomic { busy--; starting--; r = 0; at = 0 }
}

/* Advances the execution to its end: a row of its history, then the commit. */
proctype Engine() {
	byte r, v;
end:
	do
	:: atomic { status == running && !expired && value[life] -> r = life; v = ver; busy++ };
		atomic {
			assert(hist[KEY(r)] == 0 || hist[KEY(r)] == r);   /* a row of the history always belongs to one run */
#ifdef MUT_ROW_MEANS_COMMITTED
			if
			:: hist[KEY(r)] == r -> busy--; r = 0; v = 0; goto end
			:: else
			fi;
#endif
			hist[KEY(r)] = r;
			busy--;
#ifdef LIVE
			if
			:: crashes > 0 -> crashes--; r = 0; v = 0; goto end
			:: true
			fi
#endif
		};
		atomic {
			if
#ifdef MUT_NO_FENCE
			:: status != absent && ver == v ->
#else
			:: status != absent && ver == v && life == r ->
#endif
				assert(life == r);        /* a commit of a run is never one of another */
				status = ended; ver++;
#ifdef MUT_COMMIT_CHANGES_CLAIM
				claimed = 0;
#endif
			:: else
			fi;
			r = 0; v = 0
		}
	od
}

/* The store carries out, or drops, the create of run r that its caller has given up. */
inline later(r) {
	atomic {
		late[r] ->
		if
		:: FREE -> create(r)
		:: late[r] = 0
		fi
	}
}

/* The time of the rows of a run is over: not before that of its state row, but perhaps long after. */
inline outlive(r) {
	atomic { runs >= r && !over[r] && busy == 0 && !late[r] && (FREE || life != r) -> over[r] = 1 }
}

proctype World() {
	byte r;
end:
	do
	:: atomic { status == ended && !expired && busy == 0 && (expiries > 0 || starting == 0) ->
		expired = 1;
		for (r : 1 .. RUNS) { late[r] = 0 };
		r = 0;
		if
		:: starting > 0 -> expiries--
		:: else
		fi }
	:: later(1)
	:: later(2)
	:: later(3)
	:: later(4)
	:: outlive(1)
	:: outlive(2)
	:: outlive(3)
	:: outlive(4)
#if RUNS > 4
	:: later(5)
	:: outlive(5)
#endif
	od
}

/* Orphans: the value of a claim has a wake time of its own. */
inline forgetValue(r) {
#ifndef MUT_LEAVE_ORPHANS
	atomic { value[r] && over[r] -> value[r] = 0 }
#else
	false
#endif
}

/* Finds what has expired by an index that lags, and reads the state row before it does anything. */
proctype Sweeper() {
	byte r, v, k;
	byte left;
end:
	do
	:: atomic { DUE || status != absent && looks > 0 ->
		if
		:: DUE
		:: else -> looks--
		fi;
#ifndef MUT_TRUST_INDEX
		if
		:: expired
		:: else -> goto end
		fi;
#endif
		r = life; v = ver };
		atomic {
			assert(FREE || life != r);    /* nothing is removed that has not expired */
			for (k : 0 .. RUNS) {
				if
				:: hist[k] != 0 && (hist[k] == r || over[hist[k]]) -> hist[k] = 0
				:: hist[k] != 0 && hist[k] != r && !over[hist[k]] -> left = hist[k]
				:: else
				fi;
				if
				:: k == r || over[k] -> value[k] = 0
				:: k != r && !over[k] && value[k] -> left = k
				:: else
				fi
			};
#ifdef MUT_LEAVE_OTHER_RUNS
			left = 0;
#endif
#ifdef MUT_PUT_OFF_WHAT_IS_EMPTY
			if
			:: left == 0 && status != absent && life == r -> left = r
			:: else
			fi;
#endif
			k = 0
		};
		atomic {
			if
#ifdef MUT_DELETE_WITHOUT_CONDITION
			:: status != absent ->
#else
			:: status != absent && life == r && ver == v ->
#endif
				assert(expired);     /* the state row neither */
				if
				:: left != 0 -> wakeOf = left; ver++
				:: else -> status = absent; expired = 0
				fi
			:: else
			fi;
			r = 0; v = 0; left = 0
		}
	:: forgetValue(1)
	:: forgetValue(2)
	:: forgetValue(3)
	:: forgetValue(4)
#if RUNS > 4
	:: forgetValue(5)
#endif
	od
}

proctype End() {
	byte r;
end:
	atomic {
		timeout;
		assert(starting == 0 && status == absent);   /* everybody has gone, and everything that ran has ended */
		for (r : 0 .. RUNS) {
			assert(value[r] == 0 && hist[r] == 0)    /* no row is left */
		}
	}
}

init {
	byte i;
	atomic {
		for (i : 1 .. STARTERS) { run Starter(i) };
		for (i : 1 .. ENGINES) { run Engine() };
		i = 0;
		run World();
		run Sweeper();
		run End()
	}
}

#ifdef LIVE
/* Every start gets its response, or its caller has died. */
ltl answered { <> (starting == 0) }
/* What is claimed ends. */
ltl ends { [] (status == running -> <> (status != running)) }
/* The state row of what has ended and expired goes. */
ltl forgotten { [] (expired -> <> (status == absent || !expired)) }
#endif
