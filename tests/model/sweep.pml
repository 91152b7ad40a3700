/*
 * sweep.pml: time, wake times, hints and the sweeper (docs/protocol.md#wake-times), and the counts that tell an
 * execution that brings its runners down (docs/protocol.md#poison-executions). One execution calls a task and then
 * waits. Hints are lost and repeated, the wake index lags, runners die and lose their commits. Times are counted down,
 * so that only what lies ahead is part of a state.
 *
 * LIVE: what must happen does happen, under weak fairness: a process that can always go on does so. Every fault is bounded in
 * number: of hints that are always lost, or runners that always die, nothing can be promised. What has ended has something
 * to send then.
 *
 * POISON: the engine that steps the execution dies of it.
 *
 * shared/engine: wakeTime, countEngine, wokeEarly, commitWithRetry, wakeRow, bumpWake, sendHint. shared/interp: NextWakeTime, Ready.
 */

#ifndef RUNNERS
#define RUNNERS 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 1
#endif
#ifndef LOSSES
#define LOSSES 3                     /* of hints */
#endif
#ifndef REPEATS
#define REPEATS 1
#endif

#ifndef LOOKS
#define LOOKS 1
#endif

#define SOON 1                       /* what a hint may take */
#define LEASE 3
#define WAIT 1
#define NEVER 7
#define PAUSE(t) ((t) == 0 -> 1 : 2)
#define TRIESMAX 2
#define BEGUNMAX 2
#define LOST 2                       /* commits that may fail in a round */

mtype = { ready, called, waiting, over };

/* The state row. */
byte fresh;                          /* those whose loaded state is still the row: the others will lose, a bit each */
mtype phase = ready;
#ifdef MUT_NO_WAKE_AT_START
byte wake = NEVER;
#else
byte wake = SOON;
#endif
byte lease = NEVER;                  /* of the called task */
byte owner;                          /* who calls it */
byte due = NEVER;                    /* of the wait */
byte tries;
byte begun;
#ifdef LIVE
bit outbox;                          /* what follows from the end is still to be sent */
#define UNSENT outbox
#define FILL outbox = 1
#define SEND outbox = 0
#else
#define UNSENT false
#define FILL skip
#define SEND skip
#endif
bit broken;                          /* it has ended as one that brings its runners down */

byte indexed = NEVER;                /* the wake time as the index shows it */
#ifdef LIVE
byte rounds;                         /* runners between a look and its commit, which take less than the shortest pause */
#define ENTER rounds = rounds | BIT(me)
#define LEAVE rounds = rounds & ~BIT(me)
#define TIMEPASSES (rounds == 0)
#else
#define ENTER skip
#define LEAVE skip
#define TIMEPASSES true
#endif
bit hint = 1;                          /* one or more are under way */
byte flying;                         /* the runner that has the call in flight; 0 for none */

byte crashes = CRASHES;
byte unknowns = UNKNOWNS;
byte losses = LOSSES;
byte repeats = REPEATS;
byte looks = LOOKS;                    /* rows that a sweep takes for due by an old index entry */
byte deaths;                         /* for the checks: runners that have begun and died or given up */
byte beginners;                      /* that have begun and are at it */
#ifdef MUT_SWEEP_ONCE
bit swept;
#define SWEPT swept
#else
#define SWEPT false
#endif

#define BIT(p) (1 << (p))
#define SWEEPER (RUNNERS + 1)
#define CURRENT(p) (fresh & BIT(p))

#define REST (phase == over && !UNSENT)      /* nothing is left to be done */
#define NEED (phase == ready || phase == over && UNSENT -> SOON : (phase == called -> lease : (phase == waiting -> due : NEVER)))
#define EARLIEST(a, b) ((a) < (b) -> (a) : (b))

/* The row's next wake time: never later than its earliest need, moved only when it must. */
inline setWake(counted) {
#ifdef MUT_NO_WAKE_FOR_LEASES
	if
	:: phase == called -> wake = NEVER
	:: phase != called -> wake = NEED
	fi;
#else
#ifdef MUT_KEEP_WAKE
	if
	:: wake > 0 && !counted
	:: else -> wake = NEED
	fi;
#else
	if
	:: wake > 0 && wake <= NEED && !counted && !REST
	:: else -> wake = NEED
	fi;
#endif
#endif
	assert(wake <= NEED)         /* the wake time is not later than the earliest need */
}

/* What the runner makes of the row that it has loaded: what is due first, then it takes what is ready. */
inline step(me) {
	d_step {
		counted = tries > 0 || begun > 0;
		took = 0;
		if
		:: phase == called && (flying == me && held) -> phase = waiting; owner = 0; lease = NEVER; due = WAIT
		:: phase == called && !(flying == me && held) && (lease == 0 || owner == me && flying != me) -> phase = ready; owner = 0; lease = NEVER
		:: phase == waiting && due == 0 -> phase = over; due = NEVER; FILL
		:: phase == over -> SEND
		:: else
		fi;
		if
		:: phase == ready -> phase = called; lease = LEASE; owner = me; took = 1
		:: else
		fi;
#ifndef MUT_KEEP_COUNTS
		tries = 0; begun = 0; deaths = 0;
#endif
		fresh = 0;
		setWake(counted);
		counted = 0
	}
}

inline stopBeginning() {
	if
	:: began -> began = 0; beginners--
	:: else
	fi
}

/* It dies. */
inline die() {
	if
	:: began && deaths < BEGUNMAX -> deaths++
	:: else
	fi;
	stopBeginning();
	if
	:: flying == me -> flying = 0
	:: else
	fi;
	LEAVE;
	held = 0; lost = 0; took = 0; fresh = fresh & ~BIT(me);
	goto end
}

proctype Runner(byte me) {
	byte lost;
	bit took, began, held, counted;
end:
	do
	:: atomic { hint && flying != me ->
		if
		:: hint = 0
		:: repeats > 0 -> repeats--
		fi;
		ENTER };
		goto round
	:: atomic { flying == me && !held -> held = 1; ENTER };       /* the call is answered: a message */
		goto round
	:: atomic { flying == me && !held && crashes > 0 -> crashes--; die() }
	od;

round:
	atomic {
		fresh = fresh | BIT(me); took = 0; counted = 0;
		if
		:: REST -> goto done
		:: else
		fi
	};
#ifdef MUT_COUNT_EACH_TRY
	atomic { stopBeginning() };
#endif
	if
	:: atomic { tries >= TRIESMAX && !began && begun >= BEGUNMAX ->
		if
		:: CURRENT(me) ->
			assert(deaths + beginners >= BEGUNMAX);     /* only an execution that has ended enough engines fails as poison */
			broken = 1; phase = over; fresh = 0; wake = NEVER; lease = NEVER; due = NEVER; goto done
		:: !CURRENT(me) -> goto again
		fi }
#ifndef MUT_COUNT_NOTHING
	:: atomic { tries >= TRIESMAX && !began && begun < BEGUNMAX ->
		if
		:: CURRENT(me) -> begun++; fresh = BIT(me); began = 1; beginners++
		:: !CURRENT(me) -> goto again
		fi }
#else
	:: atomic { tries >= TRIESMAX && !began }
#endif
	:: atomic { tries < TRIESMAX || began }
	fi;
#ifdef POISON
	atomic { die() };
#endif
	if
	:: atomic { CURRENT(me) -> step(me);
		if
		:: took -> flying = me
		:: else -> 
			if
			:: flying == me -> flying = 0
			:: else
			fi
		fi;
		goto done }
	:: atomic { !CURRENT(me) -> goto again }
	:: atomic { CURRENT(me) && unknowns > 0 -> unknowns--; step(me); goto again }
	:: atomic { CURRENT(me) && unknowns > 0 -> unknowns--; goto again }
	:: atomic { crashes > 0 -> crashes--; die() }
	:: atomic { CURRENT(me) && crashes > 0 -> crashes--; step(me); die() }
	fi;
again:  /* lost or unknown: load again */
	if
	:: atomic { lost < LOST -> lost++; goto round }
	:: atomic { lost >= LOST -> die() }       /* it gives up; what it holds it brings later, or never */
	fi;
done:
	atomic {
		stopBeginning();
		if
		:: phase != called && flying == me -> flying = 0
		:: else
		fi;
		LEAVE;
		held = 0; lost = 0; took = 0; counted = 0; fresh = fresh & ~BIT(me);
		goto end
	}
}

inline putOff() {
	if
	:: atomic { CURRENT(SWEEPER) ->
		assert(wake == 0);            /* what is not due is not put off */
		wake = PAUSE(tries);
		if
		:: tries < TRIESMAX -> tries++
		:: else
		fi;
		fresh = 0;
#ifdef MUT_SWEEP_ONCE
		swept = 1
#endif
		}
	:: atomic { !CURRENT(SWEEPER) -> goto end }
	:: atomic { unknowns > 0 -> unknowns--; fresh = fresh & ~BIT(SWEEPER); goto end }
	fi;
	if
#ifdef MUT_NO_HINT_AFTER_THE_END
	:: atomic { phase != over -> hint = 1 }
	:: atomic { phase == over -> skip }
#else
	:: atomic { true -> hint = 1 }
#endif
	:: atomic { losses > 0 -> losses-- }
	fi
}

/* Each minute, without memory: rows that the index shows as due are read, put off by a commit, and hinted at. */
proctype Sweeper() {
end:
	do
	:: atomic { indexed == 0 && wake == 0 && !REST && !SWEPT -> fresh = fresh | BIT(SWEEPER) };
		putOff()
	:: atomic { indexed == 0 && wake != 0 && looks > 0 && !REST -> looks--;
#ifndef MUT_TRUST_INDEX
		goto end;                     /* read strongly: not due */
#endif
		fresh = fresh | BIT(SWEEPER) };
		putOff()
	od
}

inline down(t) {
	if
	:: t > 0 && t < NEVER -> t--
	:: else
	fi
}

proctype World() {
end:
	do
	/* Time passes. */
	:: atomic { TIMEPASSES && (wake > 0 && wake < NEVER || lease > 0 && lease < NEVER || due > 0 && due < NEVER || indexed > 0 && indexed < NEVER) ->
		down(wake); down(lease); down(due); down(indexed) }
	/* The index catches up. */
	:: atomic { indexed != wake -> indexed = wake }
	/* A hint is lost; one of the claim comes. */
	:: atomic { hint && losses > 0 -> losses--; hint = 0 }
	od
}

proctype End() {
end:
	atomic {
		timeout;
		assert(REST);                 /* nothing is left that waits for nobody */
#ifdef POISON
		assert(broken)
#endif
	}
}

init {
	byte i;
	atomic {
		for (i : 1 .. RUNNERS) { run Runner(i) };
		i = 0;
		run Sweeper();
		run World();
		run End()
	}
}

#ifdef LIVE
/* What is claimed ends, as a failure where it brings all its runners down. */
ltl ends { <> (phase == over) }
/* Every row that is due is looked at, also one that has ended and has something to send. */
ltl looked { [] (wake == 0 && !REST -> <> (rounds != 0 || REST)) }
#endif
