extern int fc__room_data;int fc__room_data;
