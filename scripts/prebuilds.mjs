// Which platforms the package brings an addon for, and which of them still lack it.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const PLATFORMS = ['linux-x64', 'linux-arm64'];

/** Those of whom there is no addon in the folder `prebuilds` of this checkout. */
export function missingPrebuilds(root) {
  return PLATFORMS.filter((platform) => {
    const folder = join(root, 'prebuilds', platform);
    return !existsSync(folder) || !readdirSync(folder).some((file) => file.endsWith('.node'));
  });
}

export const sayMissing = (platforms) =>
  `expected an addon in ${platforms.map((one) => `prebuilds/${one}`).join(' and ')}, found none; run: npm run prebuilds`;
