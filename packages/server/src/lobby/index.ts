export type { ListFilter, LobbySummary } from './listing.ts';
export {
  type Arrival,
  type CreateSettings,
  type JoinBy,
  Lobbies,
  type LobbiesListener,
  type MemberCommand,
  type Seated,
} from './lobbies.ts';
export { type LiveSession, Seat } from './seat.ts';
export { SeatTable } from './seat-table.ts';
