/** Which database it is. */
export type Engine = 'sqlite' | 'postgres';
