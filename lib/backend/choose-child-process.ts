import { choose } from './choice';

choose('child_process');
