/* The barrier: rows of those who have come, the generation that they belong to, and whether and why it is broken. See
 * lib/backend/native/synchronize/gate.ts and mortal.h.
 *
 *   PARTIES      how many meet
 *   TIMEOUTS=1   the first process may be late at any time
 *
 * It opens only if all are there, and then for all of them; it is broken if one ends that has come, and then all hear of it.
 */
#include "mortal.h"
#ifndef PARTIES
#define PARTIES PROCESSES
#endif
#ifndef TIMEOUTS
#define TIMEOUTS 0
#endif
#define GENERATIONS 4

mtype = { gone, undecided, late, open, broken };
mtype row[PROCESSES] = gone;
byte came[PROCESSES];
byte generation;
bit is_broken;
bit was_late; /* and nobody has heard of it yet */

#define IS_DEAD(p) (!alive[p] && row[p] != gone)
#define LEFT(p) (!alive[p] && (row[p] == undecided || row[p] == late))
#define MEETS(p) (row[p] == undecided && came[p] == mine)
#define BREAK is_broken = 1; was_late = 0; EACH(if :: row[p] == undecided -> row[p] = broken :: else fi)
#define FORGET EACH(if :: IS_DEAD(p) -> row[p] = gone :: else fi)
#define BURY left = ANY(LEFT); FORGET; if :: left -> BREAK; left = 0 :: else fi
#define MAY_BE_LATE (TIMEOUTS && me == 0)
/* What a look finds. */
#define IS_DUE (row[me] != undecided || ANY(LEFT))

proctype Process(byte me) {
  byte mine, p;
  bit left, is_last, rings;

again:
  MAYBE_NEVER;
end_again: /* rows of the dead may stay for as long as nobody comes */
  atomic { row[me] == gone -> alive[me] = 1; mine = 0; p = 0; left = 0; is_last = 0; rings = 0 }
arrive:
  STEP(
    BURY;
    if
    :: is_broken
    :: else ->
       mine = generation; row[me] = undecided; came[me] = mine; rung[me] = 0;
       is_last = (SUM(MEETS) == PARTIES);
       if :: is_last -> generation = (generation + 1) % GENERATIONS :: else fi
    fi
  );
  if :: row[me] == gone -> goto rest :: else fi; /* broken: nobody mends it here */
  if :: is_last -> goto opens :: else fi;
wait:
end_wait:
  if
  :: IS_DUE -> skip
  :: MAY_BE_LATE -> goto is_late
  :: mine != generation || was_late -> skip /* all have come, or somebody has left */
  fi;
  if
  :: LOOK(IS_DUE) -> skip
  :: MAY_BE_LATE -> goto is_late
  fi;
  STEP(
    rung[me] = 0;
    rings = (row[me] == undecided && ANY(LEFT));
    if :: rings -> BURY :: else fi
  );
  if :: rings -> RING :: else fi;
  if :: row[me] == undecided -> goto wait :: else -> goto hears fi;
is_late:
#ifdef GONE_WHEN_LATE
  STEP(if :: row[me] == undecided -> row[me] = gone; left = 1; was_late = 1 :: else fi);
#else
  STEP(if :: row[me] == undecided -> row[me] = late; left = 1; was_late = 1 :: else fi);
#endif
  if :: !left -> goto hears :: else fi;
  STEP(left = 0; row[me] = gone; BREAK);
  RING;
  goto rest;
opens:
  STEP(
    is_last = 0;
#ifdef OPEN_UNCHECKED
    if
    :: row[me] == undecided
#else
    if
    :: row[me] == undecided && SUM(MEETS) < PARTIES -> BREAK
    :: row[me] == undecided && SUM(MEETS) == PARTIES
#endif
       -> assert(SUM(MEETS) == PARTIES);
       EACH(if :: MEETS(p) -> row[p] = open :: else fi)
    :: else
    fi
  );
  RING;
hears:
  STEP(
    left = (row[me] == broken); row[me] = gone
  );
  if :: left -> goto rest :: else -> goto arrive fi;
rest:
end_rest: /* it wants nothing any more */
  false
}

RUN
