extern int fc__room_io;int fc__room_io;
