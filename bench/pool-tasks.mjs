export const increment = (x) => x + 1;
export const same = (x) => x;
