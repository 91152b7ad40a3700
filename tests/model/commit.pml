/*
 * commit.pml: the commit (docs/protocol.md#commit). WRITERS writers bring one message each to one execution. A writer
 * loads the state row, puts the tail that it found full into a history row, and writes the state row on condition of
 * its version. It may die before and after every write and be repeated; answers of writes are lost; writes are carried
 * out late.
 *
 * LIVE: what must happen does happen, under weak fairness: a process that can always go on does so. Every fault is bounded in
 * number: of a store that fails for ever, or a process that always dies, nothing can be promised.
 *
 * shared/store: Commit, write, writer.appendTail. shared/engine: commitWithRetry, transact, load.
 */

#ifndef WRITERS
#define WRITERS 3
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 2
#endif

#define FULL 2                       /* events that make a tail full */
#define EVENTS (2 + 2 * WRITERS)     /* more than are ever written */
#define STARTED 7                    /* mark of the claim's event */
#define BIT(w) (1 << (w))
#define FULLTAIL(f, l) ((l) - (f) + 1 >= FULL)
#define EVENTS_OF(w) (1 + (w) % 2)        /* events that message w writes */

/* The state row. A list of events is written as their marks, three bits each, the first one lowest. */
byte ver = 1;
byte first = 1;
byte last = 1;
short tail = STARTED;
byte closed;                         /* attempts that are closed, a bit each */
byte token;                          /* of the last commit */

short hist[EVENTS];                  /* h#<first>: its events; 0 for no such row */

byte crashes = CRASHES;
byte unknowns = UNKNOWNS;

/* Writes that the store carries out, or drops, after their caller has given them up. */
byte lateVer[WRITERS + 1];           /* condition; 0 for none */
byte lateKey;
short latePut;

/* What has happened, for the checks alone. */
byte was[EVENTS];                    /* marks of the events as they were committed */
byte counted[WRITERS + 1];
byte gone;                           /* messages whose writer died for good */
byte told;                           /* messages whose sender was told that they are in */

/* As a reader reads: the history rows in the order of their keys up to the tail, then the tail. No gap, nothing changed. */
inline checkHistory() {
	d_step {
	at = 1;
	id = 1;
	do
	:: at >= first -> break
	:: at < first && hist[at] == 0 -> at++
	:: at < first && hist[at] != 0 ->
		bytes = hist[at];
		do
		:: bytes == 0 -> break
		:: bytes != 0 ->
			assert(id < EVENTS && was[id] == (bytes & 7)); /* the history has no gap and is not rewritten */
			bytes = bytes >> 3;
			id++
		od;
		at++
	od;
	assert(id == first);                           /* the rows reach up to the tail */
	bytes = tail;
	do
	:: bytes == 0 -> break
	:: bytes != 0 ->
		assert(id < EVENTS && was[id] == (bytes & 7));
		bytes = bytes >> 3;
		id++
	od;
	assert(id == last + 1);
	at = 0; id = 0; bytes = 0
	}
}

inline putRow(key, content) {
	assert(hist[key] == 0 || hist[key] == content);  /* a history row is never written anew with other bytes */
	hist[key] = content
}

/* The row after message w, made of what its writer has loaded. */
inline applyNews(w, flush, f, l, t, c) {
	d_step {
	assert(counted[w] == 0);                       /* a message counts once */
	counted[w] = 1;
	ver++;
	for (at : 1 .. WRITERS) { lateVer[at] = 0 }; /* their condition will never hold again */
	token = w;
	first = f; last = l; tail = t; closed = c | BIT(w);
	if
	:: flush -> first = l + 1; tail = 0
	:: else
	fi;
	at = 0;
	do
	:: at < EVENTS_OF(w) ->
		tail = tail | (w << (3 * (last - first + 1)));
		last++;
		assert(was[last] == 0);                /* one version, one writer */
		was[last] = w;
		at++
	:: else -> break
	od;
	at = 0
	};
	checkHistory()
}

proctype Writer(byte me) {
	byte v, f, l, c, at, id;
	short t, bytes;
	bit flush;

load:
	atomic {
		v = ver; f = first; l = last; t = tail; c = closed;
		flush = FULLTAIL(f, l)
	}
#ifndef MUT_NO_ANSWER_FOR_THE_CLOSED
	if
	:: c & BIT(me) -> goto counts            /* its attempt is closed: dropped */
	:: else
	fi;
#else
	if
	:: c & BIT(me) -> goto load
	:: else
	fi;
#endif
#ifdef MUT_FLUSH_AT_WILL
	if
	:: flush = 1
	:: flush = 0
	fi;
#endif

put:	skip;
#ifdef MUT_HISTORY_BEFORE_COMMIT
	atomic { putRow(l + 1, me) };
#endif
#ifndef MUT_ROW_AFTER_COMMIT
	if
	:: atomic { flush -> putRow(f, t); checkHistory() }
	:: atomic { flush && unknowns > 0 && latePut == 0 -> unknowns--; lateKey = f; latePut = t; goto load }
	:: !flush
	fi;
#endif
	if
	:: true
	:: atomic { crashes > 0 -> crashes--; goto dead }
	fi;

	/* The conditional write. */
	if
#ifdef MUT_NO_CONDITION
	:: atomic { true -> applyNews(me, flush, f, l, t, c) }
#else
	:: atomic { ver == v -> applyNews(me, flush, f, l, t, c) }
	:: atomic { ver != v -> goto lost }
#endif
	:: atomic { ver == v && unknowns > 0 -> unknowns--; applyNews(me, flush, f, l, t, c); goto lost }
	:: atomic { ver == v && unknowns > 0 -> unknowns--; lateVer[me] = v; goto lost }
	:: atomic { ver == v && crashes > 0 -> crashes--; applyNews(me, flush, f, l, t, c); goto dead }
	fi;
#ifdef MUT_ROW_AFTER_COMMIT
	if
	:: atomic { flush -> putRow(f, t) }
	:: !flush
	:: atomic { crashes > 0 -> crashes--; goto dead }
	fi;
#endif
	goto counts;

lost:                                        /* lost and unknown are one case: load again, apply the same message again */
#ifdef MUT_LOSER_DELETES
	if
	:: token != me && flush -> atomic { hist[f] = 0; checkHistory() }
	:: else
	fi;
#endif
#ifdef MUT_READ_BACK_TOKEN
	if
	:: token == me -> goto counts
	:: else -> atomic { v = ver; f = first; l = last; t = tail; c = closed; flush = FULLTAIL(f, l); goto put }
	fi;
#endif
#ifdef MUT_DROP_WHEN_LOST
	goto finished;
#endif
#ifdef MUT_KEEP_WHAT_WAS_LOADED
	goto put;
#endif
	goto load;

dead:
	if
	:: goto load                           /* the sender sends the same message again */
	:: atomic { gone = gone | BIT(me); goto finished }
	fi;

counts:
	atomic { assert(counted[me] == 1); told = told | BIT(me) };  /* told that it is in, and it is */

finished:
	v = 0; f = 0; l = 0; c = 0; t = 0; flush = 0
}

inline late(w) {
	atomic {
		lateVer[w] != 0 ->
		if
		:: applyNews(w, FULLTAIL(first, last), first, last, tail, closed)
		:: lateVer[w] = 0
		fi
	}
}

/* The store carries out, or drops, what its caller has given up. */
proctype Store() {
	byte at, id;
	short bytes;
end:
	do
	:: atomic { latePut != 0 -> putRow(lateKey, latePut); lateKey = 0; latePut = 0; checkHistory() }
	:: atomic { latePut != 0 -> lateKey = 0; latePut = 0 }
	:: late(1)
	:: late(2)
#if WRITERS > 2
	:: late(3)
#endif
#if WRITERS > 3
	:: late(4)
#endif
	od
}

/* When nothing goes on any more, all messages are in but those of dead writers. */
proctype End() {
	byte w;
end:
	atomic {
		timeout;
		for (w : 1 .. WRITERS) {
			assert(counted[w] == 1 || (gone & BIT(w)))
		}
	}
}

init {
	byte w;
	atomic {
		was[1] = STARTED;
		for (w : 1 .. WRITERS) { run Writer(w) };
		w = 0;
		run Store();
		run End()
	}
}

#ifdef LIVE
/* Each sender of a message is told, or is gone for good. */
ltl answered { <> ((told | gone) == (1 << (WRITERS + 1)) - 2) }
#endif
