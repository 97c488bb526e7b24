import { keepPoolAwake } from '../../services/lib/keepPoolAwake.ts';

keepPoolAwake();
