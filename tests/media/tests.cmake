cmkd_test(media DEPS media core LIBS PNG::PNG)
if(CMKD_FFMPEG)
  # internals_test.cpp looks at the room's insides: the clock and the turning of pictures.
  target_link_libraries(test_media PRIVATE PkgConfig::FFMPEG)
  target_include_directories(test_media PRIVATE ${CMAKE_SOURCE_DIR}/media/ffmpeg)
  target_compile_definitions(test_media PRIVATE CMKD_HAVE_FFMPEG)
endif()
