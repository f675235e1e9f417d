import './become-child';
import './backend/choose-native';
import { backend } from './backend';
import { runChild } from './child';

/** The program of a native backend's child that begins with a fresh Node. */
void runChild((decode) => backend.connectToParent(decode));
