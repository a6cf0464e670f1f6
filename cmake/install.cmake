# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where: headers, libraries, nst and its man pages, and how others find them.
include(CMakePackageConfigHelpers)

install(DIRECTORY include/nicstack DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(NST_INSTALL_TARGETS nicstack-core)
foreach(target nicstack_static nicstack_shared)
    if(TARGET ${target})
        list(APPEND NST_INSTALL_TARGETS ${target})
    endif()
endforeach()
foreach(target ${NST_INSTALL_TARGETS})
    target_include_directories(${target} INTERFACE
        $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()
if(TARGET nicstack_shared)
    set_target_properties(nicstack_shared PROPERTIES EXPORT_NAME nicstack)
endif()
install(TARGETS ${NST_INSTALL_TARGETS} EXPORT nicstackTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET nst_script)
    install(TARGETS nst_script LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(TARGET nst)
    install(TARGETS nst RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
    install(DIRECTORY docs/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
endif()

# What a static link of the whole library needs besides; Threads only if the library asked for it.
set(NST_PC_LIBS_PRIVATE "")
set(NST_CONFIG_DEPENDS "")
if(TARGET nicstack_static)
    get_target_property(links nicstack_static LINK_LIBRARIES)
    if("${links}" MATCHES "Threads::Threads")
        set(NST_PC_LIBS_PRIVATE "-pthread")
        set(NST_CONFIG_DEPENDS "include(CMakeFindDependencyMacro)\nfind_dependency(Threads)")
    endif()
endif()
foreach(dir INCLUDEDIR LIBDIR)
    if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
        set(NST_PC_${dir} "${CMAKE_INSTALL_${dir}}")
    else()
        set(NST_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
    endif()
endforeach()
install(PROGRAMS tools/extcap/nicstack DESTINATION ${CMAKE_INSTALL_DATADIR}/nicstack/extcap)
configure_file(cmake/nicstack.pc.in nicstack.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/nicstack.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

set(NST_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/nicstack)
configure_package_config_file(cmake/nicstackConfig.cmake.in nicstackConfig.cmake
                              INSTALL_DESTINATION ${NST_CMAKE_DIR})
# Before 1.0 a minor release may change the API.
write_basic_package_version_file(nicstackConfigVersion.cmake VERSION ${PROJECT_VERSION}
                                 COMPATIBILITY SameMinorVersion)
install(EXPORT nicstackTargets NAMESPACE nicstack:: DESTINATION ${NST_CMAKE_DIR})
install(FILES ${CMAKE_BINARY_DIR}/nicstackConfig.cmake ${CMAKE_BINARY_DIR}/nicstackConfigVersion.cmake
        DESTINATION ${NST_CMAKE_DIR})
