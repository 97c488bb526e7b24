import { systemClock } from '../../../../services/lib/clock.ts';
import { Uploads } from '../../../../services/store/channels/Uploads.ts';
import { uploadLimits } from '../../store/channels/vaultKit.ts';
import { uploadServer } from './uploadServer.ts';

// A process that takes uploads until it is killed: argument 1 is its folder.
const uploads = await Uploads.open({ folder: process.argv[2]!, limits: uploadLimits, clock: systemClock });
const { url } = await uploadServer(uploads);
process.stdout.write(`${url}\n`);
