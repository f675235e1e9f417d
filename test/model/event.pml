/* The event: whether it is set, and how often it was. See lib/backend/native/synchronize/flag.ts and mortal.h.
 *
 * Whoever waited when it was set goes on, also if it has been cleared since, and whoever set it was killed.
 */
#include "mortal.h"
#define MOST 3
#ifdef NO_COUNT
#define FOUND is_set
#else
#define FOUND (is_set || sets != before)
#endif

bit is_set;
byte sets;
bit watches[PROCESSES];
bit promised[PROCESSES]; /* it has been set since it came */

proctype Process(byte me) {
  byte before, p;
  bit found;

again:
  MAYBE_NEVER;
  atomic { alive[me] = 1; watches[me] = 0; promised[me] = 0; before = 0; p = 0; found = 0 }
  do
  :: sets < MOST -> /* sets */
     STEP(if :: sets < MOST -> is_set = 1; sets++; EACH(promised[p] = (watches[p] -> 1 : promised[p])) :: else fi);
     RING
  :: STEP(is_set = 0) /* clears */
  :: /* waits */
     STEP(before = sets; watches[me] = 1; promised[me] = 0; rung[me] = 1);
look:
     STEP(rung[me] = 0; found = FOUND);
     if
     :: found -> d_step { watches[me] = 0; promised[me] = 0 }
     :: else ->
end_wait: /* nobody has set it */
        promised[me] || is_set;
        LOOK(FOUND);
        goto look
     fi
  :: break
  od;
end_rest: /* it wants nothing any more */
  false
}

RUN
