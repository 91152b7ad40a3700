/* Redrives of one execution (docs/protocol.md#redrive): clients that redrive with the number of redrives that they know,
 * one that stops, an engine that ends each life, and the relay of the report of an end. Any of them loses races, and the
 * response to a commit may be lost: then it loads the row again and applies the same message again.
 */
#ifndef REDRIVERS
#define REDRIVERS 2
#endif
#ifndef STOPPERS
#define STOPPERS 1
#endif
#ifndef UNKNOWNS
#define UNKNOWNS 2
#endif
#define LIVES (REDRIVERS + 1)

/* The row. */
byte ver;
byte redrives;
bit final;
byte out;                            /* id of the report in the outbox; 0: none */

byte asked[LIVES + 2];               /* a client has asked for this life */
byte stopped[STOPPERS];              /* how often a stop has counted */
bit reported[LIVES + 2];             /* the end of this life has reached its target */
byte unknowns = UNKNOWNS;
byte clients = REDRIVERS + STOPPERS; /* that go on */

#ifdef MUT_ONE_ID
#define REPORT 1
#else
#define REPORT (redrives + 1)
#endif

/* What a commit writes that ends a life. */
inline endLife() { final = 1; out = REPORT; ver++ }

/* The response of a commit is lost, perhaps. */
inline lost(again) {
	if
	:: unknowns > 0 -> unknowns--; goto again
	:: skip
	fi
}

proctype Redriver() {
	byte v, r, count;
	bit f;
	if
	:: atomic { final -> count = redrives; asked[count + 1]++ }
	:: atomic { !final -> goto gone }                          /* it runs: refused */
	fi;
again:
	atomic { v = ver; r = redrives; f = final };
	if
#ifdef MUT_NO_COUNT
	:: !f -> skip
	:: else ->
#else
	:: r > count -> skip                                       /* it has been made */
	:: else ->
#endif
		atomic {
			if
			:: v != ver -> goto again
			:: else ->
				redrives++; final = 0; out = 0; ver++;
				assert(asked[redrives] > 0);                   /* a life begins only if asked for */
				lost(again)
			fi
		}
	fi;
	assert(redrives > count);
gone:
	clients--
}

proctype Stopper(byte me) {
	byte v, r, life;
	bit f;
again:
	atomic { v = ver; r = redrives; f = final };
	if
	:: life == 0 -> life = r + 1                               /* bound to the life that it is judged in first */
	:: else
	fi;
	if
#ifdef MUT_STOP_ANY_LIFE
	:: f -> skip
#else
	:: f || life != r + 1 -> skip
#endif
	:: else ->
		atomic {
			if
			:: v != ver -> goto again
			:: else ->
				endLife(); stopped[me]++;
				assert(stopped[me] <= 1);                      /* a stop counts once */
				lost(again)
			fi
		}
	fi;
	clients--
}

/* Each life ends. */
proctype Engine() {
	do
	:: atomic { !final -> endLife() }
	:: atomic { final && clients == 0 -> break }
	od
}

/* It delivers, and takes the entry out by its id in a later commit. The process may die in between, and deliver again. */
proctype Relay() {
	byte id, life;
	do
	:: atomic { out != 0 -> id = out; life = redrives + 1 };
		reported[life] = 1;
		atomic {
			if
			:: out == id ->
				assert(reported[redrives + 1]);                /* only what was delivered leaves the outbox */
				out = 0; ver++
			:: else
			fi
		}
	:: atomic { out == 0 && final && clients == 0 -> break }
	od;
	assert(reported[redrives + 1])                             /* the last end has been reported */
}

init {
	byte i;
	atomic {
		run Engine(); run Relay();
		do
		:: i < REDRIVERS -> run Redriver(); i++
		:: else -> break
		od;
		i = 0;
		do
		:: i < STOPPERS -> run Stopper(i); i++
		:: else -> break
		od
	}
}
