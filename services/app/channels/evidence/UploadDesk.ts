import type { Uploads } from '../../../store/channels/Uploads.ts';

/** Uploads of channels, as the edge that takes them sees them. */
export type UploadDesk = Pick<Uploads, 'limits' | 'create' | 'find' | 'offset' | 'append' | 'remove'>;
