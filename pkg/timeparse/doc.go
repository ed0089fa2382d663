// Package timeparse reads times as people and programs write them. A Layout is one way of writing a time, compiled once;
// Parse gives the milliseconds since 1970-01-01T00:00:00Z and what lies below them. Parsing allocates nothing.
//
// # Formats
//
//	rfc3339    2025-11-25T10:00:00.123Z. Between date and time stands T, t or a space. Seconds may be missing, as Java
//	           leaves them out when they are zero. A fraction has one digit or more. The end is Z, z, ±hh:mm, ±hhmm,
//	           ±hh, or nothing: then the time is one of the layout's zone.
//	epoch_s    seconds since 1970: a JSON number, so also 1732528800.123 and 1.732528800123E9, read exactly.
//	epoch_ms   milliseconds, epoch_us microseconds, epoch_ns nanoseconds, likewise.
//	epoch      the unit by magnitude: below 1e11 seconds, below 1e14 milliseconds, below 1e17 microseconds, else
//	           nanoseconds. So milliseconds before March 1973 are taken for seconds.
//	%…         a layout with at least one directive:
//	           %Y year, 4 digits       %y year, 2 digits: 69–99 are 1969–1999, 00–68 are 2000–2068
//	           %m month 1–12           %b %B %h month's English name, short or long, in any case
//	           %d day 1–31             %e the same, a space may come before it
//	           %j day of the year 1–366
//	           %a %A weekday's English name, short or long; it is read and not compared with the date
//	           %H hour 0–23            %I hour 1–12, needs %p
//	           %p AM or PM, any case   %M minute 0–59
//	           %S second 0–60          %f fraction of the second, one digit or more, without the point
//	           %z Z, ±hh:mm, ±hhmm or ±hh        %Z UTC, GMT or Z
//	           %s seconds since 1970, an integer
//	           %F is %Y-%m-%d          %T is %H:%M:%S
//	           %R is %H:%M             %D is %m/%d/%y
//	           %% a percent sign
//	           All other characters stand for themselves. Numbers of two digits may have one, %j one to three; as many
//	           digits are taken as may be. The text must end where the layout does.
//
// # Rules
//
// What lies below the millisecond is floored, also before 1970; digits beyond the nanosecond are dropped. A second of 60,
// a leap second, is the first of the next minute. The instant must lie in the years 0001 to 9999 in UTC.
//
// A time without an offset is one of the layout's zone. One that occurs twice there, when clocks go back, is the earlier of
// the two. One that does not occur, when clocks go forward, is read by the offset from before the change: 02:30 in a gap
// from 02:00 to 03:00 is what the clock shows as 03:30.
//
// The package takes a *time.Location and loads none. A program whose users need no zone files installed imports
// time/tzdata; that is for commands to do.
package timeparse
