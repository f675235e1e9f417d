/** Arguments that nobody understands. The message tells which. */
export class Misuse extends Error {}
