import { choose } from './choice';

choose('native');
