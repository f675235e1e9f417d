/**
 * The sockets of this library's objects, which work in a forked child as they do in its parent. All others look closed
 * there: two processes that read one connection would take each other's answers.
 */
export const inheritedSockets = new Set<number>();
